"""Each odd file in both modes: every picture that another decoder shows is recorded, or it is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from footage import Footage, Row
from player import probe
from recorder import COPY, COPY_MJPEG, ENCODE, Recorder
from results import Note
from rtsp import needs_rtsp
from table import ROWS
from verdict import REFUSED, RIGHT, SAID, judge

pytestmark = needs_rtsp  # for ffmpeg and GStreamer

COPYABLE = ("h264", "hevc", "mjpeg")


def codec_of(path: Path, stream: int) -> str:
    """What ffprobe calls it; nothing where there is no such stream."""
    streams = probe(path, "stream=codec_name", "-select_streams", f"v:{stream}").get("streams", [])
    return str(streams[0].get("codec_name", "")) if streams else ""


@pytest.mark.parametrize("mode", ["encode", "copy"])
@pytest.mark.parametrize(("section", "row"), [pytest.param(*both, id=both[1].name) for both in ROWS])
def test_every_picture_or_a_clear_word(
    footage: Footage, recorder: Recorder, note: Note, tmp_path: Path, section: str, row: Row, mode: str
) -> None:
    path = footage.get(row)
    codec = codec_of(path, row.stream)
    copied = COPY_MJPEG if codec == "mjpeg" else COPY
    run = recorder.run(tmp_path / "run", path, ENCODE if mode == "encode" else copied)
    truth = footage.truth(row)
    unreadable = sum(picture.number is None for picture in truth)
    assert row.lost or unreadable <= len(truth) // 20, "the row itself is wrong: its numbers cannot be read"
    verdict = judge(truth, run, row)
    shutil.rmtree(tmp_path / "run")
    note(section, row.name, mode, str(verdict))
    allowed = {RIGHT, SAID} if row.lost or row.odd else {RIGHT}
    if mode == "copy" and row.copy == SAID:
        allowed.add(SAID)
    if not truth or row.may == REFUSED or (mode == "copy" and (row.copy == REFUSED or codec not in COPYABLE)):
        allowed.add(REFUSED)
    assert verdict.kind in allowed, str(verdict)
