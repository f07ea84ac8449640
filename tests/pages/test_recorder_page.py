"""The running recorder keeps the page of its archive true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from recordings import make_clip, read_index, rising

from pynvr.cli import record
from pynvr.demo.scene import Visit
from pynvr.pages.day import PICTURE, Day, Row
from pynvr.pages.site import Site


@pytest.fixture
def config(config_module: ModuleType, tmp_path: Path) -> ModuleType:
    names = {"PATH_FOR_VIDEO": str(tmp_path / "video" / "yard"), "STATUS_FILE_PATH": None}
    names |= {"LOG_FILE_PATH": str(tmp_path / "log"), "LOG_TO_CONSOLE": False, "MOTION_DETECTOR": "classic"}
    config_module.__dict__.update(names, MINIMAL_MOTION_DURATION=1)
    return config_module


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", rising(10, 16), [Visit(3, 2), Visit(10, 2)])


def rows(archive: Path) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for path in (archive / "days").glob("*.js"):
        found |= Day.read(path, path.stem).rows
    return found


def test_page_says_what_the_index_says(config: ModuleType, clip: Path, tmp_path: Path) -> None:
    archive = tmp_path / "video" / "yard"
    assert record(lambda: config, ["--cam", str(clip)]) == 0
    index = {entry["file"]: entry for entry in read_index(archive)}
    assert len(index) == 2
    assert rows(archive).keys() == index.keys()
    for name, row in rows(archive).items():
        assert row.nbytes == (archive / name).stat().st_size
        assert row.flags & PICTURE
        assert row.tiles >= 1
        assert row.motion == index[name]["peak_changed_px"]
        length_s = index[name]["last_frame_s"] - index[name]["first_frame_s"]
        assert row.length_s == pytest.approx(length_s, abs=0.1)
    assert script(archive / "page" / "now.js", "now")["state"] == "stopped"


def test_page_of_all_cameras(config: ModuleType, clip: Path, tmp_path: Path) -> None:
    config.__dict__.update(PAGE_ROOT=str(tmp_path / "video"), CAMERA_NAME="Hof & <Tor>")
    assert record(lambda: config, ["--cam", str(clip)]) == 0
    assert (tmp_path / "video" / "index.html").exists()
    told = (tmp_path / "video" / "page" / "cameras.js").read_text()
    assert told == 'pynvr.camera({"name": "Hof & <Tor>", "path": "yard"});\n'


@pytest.mark.usefixtures("logged_errors")
@pytest.mark.parametrize("check", [[], ["--check"]], ids=["run", "check"])
def test_page_of_all_cameras_has_to_be_above(
    config: ModuleType, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], check: list[str]
) -> None:
    config.__dict__.update(PAGE_ROOT=str(tmp_path / "elsewhere"))
    assert record(lambda: config, ["--cam", str(clip), *check]) == 78
    assert "PAGE_ROOT" in capsys.readouterr().err


def test_without_a_page(config: ModuleType, clip: Path, tmp_path: Path) -> None:
    config.__dict__.update(ARCHIVE_PAGE=False)
    assert record(lambda: config, ["--cam", str(clip)]) == 0
    assert not (tmp_path / "video" / "yard" / "index.html").exists()


@pytest.mark.usefixtures("logged_errors")  # that none can stay
def test_removed_recordings_leave_the_page(config: ModuleType, clip: Path, tmp_path: Path) -> None:
    archive = tmp_path / "video" / "yard"
    for _ in range(2):
        assert record(lambda: config, ["--cam", str(clip)]) == 0
    assert len(rows(archive)) == 4
    config.__dict__.update(ARCHIVE_MAX_SIZE_GB=1e-9)
    assert record(lambda: config, ["--cam", str(clip)]) == 0
    there = {entry["file"] for entry in read_index(archive) if (archive / entry["file"]).exists()}
    assert rows(archive).keys() == there


ADD_FOR_EVER = """
import itertools, sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
import msgspec
from pynvr.archive.entry import Known
from pynvr.pages.site import Site
root = Path(sys.argv[1])
site = Site(root)
site.install("yard", None)
site.reconcile([])
start = datetime(2017, 4, 2, tzinfo=timezone.utc)
(root / "video.mp4").touch()
for number in itertools.count():
    times = {"first_frame_s": 0, "trigger_s": 1, "last_frame_s": 2}
    utc = (start + timedelta(minutes=number)).isoformat()
    site.add(msgspec.convert({"file": "video.mp4", "trigger_utc": utc, **times}, Known))
    print(number, flush=True)
"""


def script(path: Path, function: str) -> Any:
    """What a file tells the page; it has to be whole."""
    return json.loads(path.read_text("ascii").removeprefix(f"pynvr.{function}(").removesuffix(");\n"))


@pytest.mark.parametrize("additions", range(1, 40, 6))
def test_kill_at_any_moment_leaves_a_page_that_opens(tmp_path: Path, additions: int) -> None:
    command = [sys.executable, "-c", ADD_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        for _ in range(additions):
            process.stdout.readline()
        process.kill()
    for path in (tmp_path / "days").glob("*.js"):
        assert script(path, "day")["day"] == path.stem
    assert script(tmp_path / "page" / "days.js", "days")
    Site(tmp_path).install("yard", None)
    assert not list(tmp_path.rglob(".*.new"))
