"""Spoilt files: no crash, no hang, as many pictures as OpenCV can decode, and none missing without a word."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from damages import FUZZED
from footage import Footage
from fuzz import spoil
from recorder import COPY, COPY_MJPEG, ENCODE, Recorder
from results import Note
from rtsp import needs_rtsp

pytestmark = needs_rtsp  # for ffmpeg

SECTION = "Files: spoilt by chance"
SHORT, LONG = 30, 300
FEW = 3
"""Pictures of which none may move enough to begin a recording."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """300 seeds with --long, else 30."""
    seeds = LONG if metafunc.config.getoption("long", False) else SHORT
    metafunc.parametrize("seed", range(seeds))


@pytest.mark.parametrize("mode", ["encode", "copy"])
def test_spoilt_file(
    footage: Footage, recorder: Recorder, note: Note, tmp_path: Path, seed: int, mode: str
) -> None:
    row = FUZZED[seed % len(FUZZED)]
    path = tmp_path / f"{seed}-{row.name}"
    path.write_bytes(spoil(footage.get(row).read_bytes(), seed))
    can = recorder.decode(tmp_path / "can", path)
    copied = COPY_MJPEG if row.name.startswith("mjpeg") else COPY
    run = recorder.run(tmp_path / "run", path, ENCODE if mode == "encode" else copied)
    have = [
        number
        for place, recording in enumerate(run.recordings)
        for number in recorder.decode(tmp_path / f"have{place}", recording)
    ]
    whole = len(footage.truth(row))
    shutil.rmtree(tmp_path / "run")
    assert run.code != "hung"
    assert run.code in (0, 1, 78), f"exit {run.code}: {run.err}"
    lines = run.err.strip().splitlines()
    assert run.code == 0 or len(lines) == 1, run.err
    # where a picture is damaged, OpenCV may show an old one again, which is no other picture
    stale = sum((Counter(n for n in can if n is not None) - Counter(have)).values())
    missing = {n for n in can if n is not None} - set(have)
    refused = run.code != 0 and not run.recordings
    if not refused and (run.recordings or len(can) >= FEW):
        # after damage each version of FFmpeg smears in its own way
        assert not missing or run.complaints, (
            f"pictures {sorted(missing)} can be decoded, and are not recorded"
        )
        assert len(have) >= len(can) - stale, f"{len(can)} pictures can be decoded, {len(have)} are recorded"
    # of a transport stream nobody knows where it ended before it was cut
    known = whole if path.suffix != ".ts" else 1 + max((n for n in have if n is not None), default=-1)
    if run.code == 0 and len(have) < known:
        assert run.complaints, f"{known - len(have)} pictures are missing without a word"
    outcome = "refused" if refused else "right" if len(have) >= whole and not run.complaints else "said"
    note(SECTION, row.name, mode, outcome)
