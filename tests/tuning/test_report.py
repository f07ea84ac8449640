"""The tuning report: one page with nothing to load, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from copies import make
from recordings import make_clip, rising
from rtsp import RtspServer, needs_rtsp
from running import defaults

from pynvr.demo.scene import Visit
from pynvr.tuning.scripts import show_picture

pytestmark = pytest.mark.slow

pytest.importorskip("matplotlib", reason="matplotlib: pip install -r requirements-report.txt")

Run = Callable[..., str]


@pytest.fixture
def run(config_module: ModuleType, tmp_path: Path) -> Run:
    """Make a report on a clip or a camera and return the page."""

    def run(cam: Path | str, *arguments: str, **settings: object) -> str:
        config_module.__dict__.update(defaults(tmp_path), MINIMAL_MOTION_DURATION=1.0)
        config_module.__dict__.update(settings)
        page = tmp_path / "out.html"
        code = show_picture(lambda: config_module, ["--cam", str(cam), "--report", str(page), *arguments])
        assert code == 0
        return page.read_text()

    return run


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", rising(10, 14), (Visit(4.0, 3.0), Visit(9.0, 3.0)))


@pytest.mark.parametrize("detector", ["classic", "robust"])
def test_page_tells_events_costs_and_other_thresholds(run: Run, clip: Path, detector: str) -> None:
    page = run(clip, MOTION_DETECTOR=detector)
    assert f"detector <b>{detector}</b>, threshold <b>1500 px</b>: <b>2</b> events" in page
    assert page.count("peak at") == 2
    for part in ("750 px<", "1500 px (as set)", "3000 px<", "ms a frame", "MOTION_AREA_THRESHOLD = "):
        assert part in page
    assert page.count("<svg") == 2


def test_page_loads_nothing(run: Run, clip: Path) -> None:
    page = run(clip)
    sources = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "<script" not in page


def test_still_clip(run: Run, tmp_path: Path) -> None:
    page = run(make_clip(tmp_path / "still.mp4", rising(10, 3), ()))
    assert "<b>0</b> events" in page
    assert "nothing to go by" in page


def test_duration_ends_it(run: Run, clip: Path) -> None:
    assert "60 frames in 5.9 s" in run(clip, "--duration", "6")


@needs_rtsp
def test_live_camera_is_watched_for_the_duration(run: Run, tmp_path: Path) -> None:
    stream = make(tmp_path / "cam.mp4", seconds=10, moving=(3, 4))
    with RtspServer({"cam": stream}, user="me", password="secret", from_start=True) as server:
        settled = {
            "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 1.0,
            "MOTION_DETECTOR": "robust",
            "MOTION_AREA_THRESHOLD": 8000,  # more than the blocks of the frame's number, less than the square
        }
        page = run(server.url("cam"), "--duration", "6", **settled)
    found = re.search(r"(\d+) frames in ([\d.]+) s", page)
    assert found
    assert int(found[1]) == pytest.approx(6 * 25, abs=3)
    assert float(found[2]) == pytest.approx(6, abs=0.1)
    assert "<b>1</b> event" in page
    assert page.count("peak at") == 1
    assert "ms a frame" in page
    assert "secret" not in page
    assert f"rtsp://me:***@127.0.0.1:{server.port}/cam" in page


def test_report_shows_no_window_and_writes_no_video(run: Run, clip: Path, archive_path: Path) -> None:
    run(clip)
    assert not archive_path.exists()


@pytest.mark.parametrize("duration", ["0", "-1", "inf", "soon"])
def test_impossible_duration(config_module: ModuleType, duration: str) -> None:
    with pytest.raises(SystemExit) as ended:
        show_picture(lambda: config_module, ["--duration", duration])
    assert ended.value.code == 2


def test_without_matplotlib_it_says_what_to_install(
    run: Run,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    logged_errors: list[str],
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AssertionError):
        run(clip)
    assert "requirements-report.txt" in capsys.readouterr().err
