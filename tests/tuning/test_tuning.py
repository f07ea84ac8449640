"""The tuning scripts: what they show, where they write it, and when they say motion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from recordings import expected_alarms, make_clip, play, rising, videos
from running import defaults

from pynvr.demo.scene import Visit
from pynvr.media.frame import Image
from pynvr.tuning import scripts, window
from pynvr.tuning.scripts import show_picture, show_stages

VISITS = (Visit(2.0, 2.0), Visit(6.0, 2.0))
TIMES = rising(10, 10)

Script = Callable[[Callable[[], ModuleType], list[str]], int]


@pytest.fixture
def config(config_module: ModuleType, tmp_path: Path) -> ModuleType:
    config_module.__dict__.update(defaults(tmp_path), MINIMAL_MOTION_DURATION=1.0)
    return config_module


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", TIMES, VISITS)


@pytest.fixture
def run(config: ModuleType, clip: Path) -> Callable[..., int]:
    def run(script: Script, *arguments: object) -> int:
        return script(lambda: config, ["--cam", str(clip), *map(str, arguments)])

    return run


Run = Callable[..., int]


def test_alarms_are_the_runs_of_motion_before_any_hold(run: Run, clip: Path, tmp_path: Path) -> None:
    alarms = tmp_path / "alarms.json"
    assert run(show_picture, "--no-window", "--alarms", alarms, "--output", tmp_path / "shown.mp4") == 0
    found = json.loads(alarms.read_text())
    assert len(found) >= 2
    assert [(alarm["start_frame"], alarm["end_frame"]) for alarm in found] == expected_alarms(clip)
    for alarm in found:
        assert set(alarm) == {"start_frame", "end_frame", "start_s", "end_s"}
        assert alarm["start_s"] == pytest.approx(TIMES[alarm["start_frame"]], abs=0.001)
        assert alarm["end_s"] == pytest.approx(TIMES[alarm["end_frame"]], abs=0.001)


def test_alarms_of_a_still_clip(run: Run, tmp_path: Path) -> None:
    still = make_clip(tmp_path / "still.mp4", rising(10, 2), ())
    alarms = tmp_path / "alarms.json"
    output = tmp_path / "out.avi"
    assert run(show_picture, "--cam", still, "--no-window", "--alarms", alarms, "--output", output) == 0
    assert json.loads(alarms.read_text()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "size"), [(show_picture, (160, 120)), (show_stages, (1000, 750))], ids=["picture", "stages"]
)
def test_output_has_every_frame_and_its_time(
    run: Run, tmp_path: Path, script: Script, size: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "shown.mp4"
    assert run(script, "--no-window", "--output", output) == 0
    assert f"no window (as asked): writing what it would show to {output}" in capsys.readouterr().out
    shown = play(output)
    assert shown.size == size
    assert shown.times == pytest.approx(TIMES, abs=0.001)


def test_label_is_shown_during_the_hold_only(run: Run, clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "shown.mp4"
    run(show_picture, "--no-window", "--output", output)
    images = play(output, keep=True).images
    reds = [((image[:30, :, 2].astype(int) - image[:30, :, 1]) > 80).any() for image in images]
    held = {
        index
        for start, end in expected_alarms(clip)
        for index, time in enumerate(TIMES)
        if TIMES[start] <= time < TIMES[end] + 0.999
    }
    assert [index for index, red in enumerate(reds) if red] == sorted(held)


def test_without_a_display_it_says_so_and_writes_into_the_archive(
    run: Run, archive_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "available", lambda: False)
    assert run(show_picture) == 0
    assert "there is no display" in capsys.readouterr().out
    (shown,) = (path for path in archive_path.rglob("*") if path.is_file())
    assert shown.suffix == ".avi"
    assert len(play(shown).times) == len(TIMES)
    assert videos(archive_path) == []  # it is no recording


@pytest.mark.parametrize("name", ["shown.avi", "shown.mkv"])
@pytest.mark.usefixtures("logged_errors")
def test_output_that_cannot_be(
    run: Run, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shown.avi").write_text("precious")
    assert run(show_picture, "--no-window", "--output", tmp_path / name) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line
    assert (tmp_path / "shown.avi").read_text() == "precious"


@pytest.mark.parametrize(
    ("option", "name"), [("--output", "a.avi"), ("--report", "a.html"), ("--alarms", "a.json")]
)
def test_a_folder_that_is_not_there_is_made(run: Run, tmp_path: Path, option: str, name: str) -> None:
    path = tmp_path / "not there" / "yet" / name
    assert run(show_picture, "--no-window", option, path) == 0
    assert path.stat().st_size > 0


@pytest.mark.usefixtures("logged_errors")
def test_a_folder_that_refuses_is_told_by_its_own_name(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(show_picture, "--no-window", "--output", tmp_path / "file" / "a.avi") == 1
    told = capsys.readouterr().err
    assert str(tmp_path / "file") in told
    assert "PATH_FOR_VIDEO" not in told


@pytest.mark.parametrize("option", ["--report", "--alarms"])
@pytest.mark.usefixtures("logged_errors")
def test_a_film_named_by_mistake_stays(
    run: Run, clip: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    film = clip.read_bytes()
    assert run(show_picture, "--no-window", option, clip) == 1
    assert "clip.mp4: exists already and is not overwritten" in capsys.readouterr().err
    assert clip.read_bytes() == film


class Screen:
    """Plays the part of cv2's windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, quit_after: int, key: int) -> None:
        self.shown: list[Image] = []
        self.closed = False

        def wait(_: int) -> int:
            return key if len(self.shown) == quit_after else -1

        monkeypatch.setattr(window, "available", lambda: True)
        monkeypatch.setattr(cv2, "imshow", lambda title, image: self.shown.append(image))
        monkeypatch.setattr(cv2, "waitKey", wait)
        monkeypatch.setattr(cv2, "namedWindow", lambda title, kind: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda title, width, height: None)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda title, name: 1.0)
        monkeypatch.setattr(cv2, "setMouseCallback", lambda title, clicked: None)
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: setattr(self, "closed", True))


@pytest.mark.parametrize("key", [ord("q"), 27], ids=["q", "Esc"])
def test_window_shows_until_a_key_is_pressed(
    run: Run, archive_path: Path, monkeypatch: pytest.MonkeyPatch, key: int
) -> None:
    screen = Screen(monkeypatch, quit_after=12, key=key)
    assert run(show_stages) == 0
    assert len(screen.shown) == 12
    assert screen.closed
    assert not archive_path.exists()  # with a window no file is needed


def test_window_and_file_together(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch, quit_after=20, key=ord("q"))
    assert run(scripts.show_picture, "--output", tmp_path / "shown.avi") == 0
    assert len(screen.shown) == len(play(tmp_path / "shown.avi").times) == 20


def test_no_display_is_found_out_without_crashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    assert window.available() is False
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "QT")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert window.available() is False


class Keys(Screen):
    """Presses one key after the other, each after a picture of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
        super().__init__(monkeypatch, 0, 0)
        codes = iter([*map(ord, keys), ord("q")])
        monkeypatch.setattr(cv2, "waitKey", lambda _: next(codes))
        monkeypatch.setattr(cv2, "setMouseCallback", self._listen)
        self.clicked: Callable[..., None] | None = None

    def _listen(self, title: str, clicked: Callable[..., None]) -> None:
        self.clicked = clicked


def test_changed_settings_are_printed_at_the_end(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Keys(monkeypatch, "++-+")
    assert run(show_stages) == 0
    assert "MOTION_AREA_THRESHOLD = 2344" in capsys.readouterr().out


def test_space_pauses_and_s_saves(run: Run, archive_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Keys(monkeypatch, "xx xxs xx")
    assert run(show_stages) == 0
    assert len(screen.shown) == 10
    assert np.array_equal(screen.shown[2], screen.shown[4])  # the same picture while it pauses
    (saved,) = archive_path.rglob("*.png")
    assert cv2.imread(str(saved)).shape == (750, 1000, 3)


def test_region_drawn_into_any_pane(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Keys(monkeypatch, "xxxxxx")

    def show(title: str, image: Image) -> None:
        screen.shown.append(image)
        assert screen.clicked
        corners = [(0, 0), (750, 0), (250, 675), (0, 0)]
        if len(screen.shown) <= 4:
            x, y = corners[len(screen.shown) - 1]
            last = len(screen.shown) == 4
            screen.clicked(cv2.EVENT_RBUTTONDOWN if last else cv2.EVENT_LBUTTONDOWN, x, y, 0, None)

    monkeypatch.setattr(cv2, "imshow", show)
    assert run(show_stages) == 0
    assert "MOTION_REGIONS = [[(0.0, 0.0), (0.5, 0.0), (0.5, 0.8)]]" in capsys.readouterr().out
    assert screen.shown[-1].shape == (750, 1000, 3)
    dark, bright = screen.shown[-1][300, 20], screen.shown[-1][20, 300]
    assert dark.mean() < screen.shown[0][300, 20].mean() / 2
    assert bright.mean() > 0
