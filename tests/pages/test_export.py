"""What leaves the archive for somebody else: every picture, in order, and the means to check it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import av
import cv2
import pytest
from copies import FPS, make
from recordings import make_clip, play, rising
from sounds import clap, clapping, claps_in

import pynvr
from pynvr.demo.scene import Visit
from pynvr.pages.export import earliest, latest, main

START = datetime(2017, 4, 2, 6, 0, tzinfo=timezone.utc)
COUNT = round(4 * FPS)


class Night:
    """An archive with a recording each half hour."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.files: list[Path] = []

    def add(self, source: Path, step: timedelta = timedelta()) -> None:
        """Put a file in as the next recording, in which the wall clock was set by so much."""
        trigger = START + timedelta(minutes=30 * len(self.files))
        file = self.root / f"video_{trigger:%Y-%m-%dT%H%M%S}{source.suffix}"
        file.write_bytes(source.read_bytes())
        self.files.append(file)
        entry: dict[str, Any] = {"file": file.name, "trigger_utc": trigger.isoformat()}
        entry |= {"first_frame_utc": trigger.isoformat()}
        entry |= {"last_frame_utc": (trigger + timedelta(seconds=4) + step).isoformat(), "frames": COUNT}
        entry |= {"first_frame_s": 100.0, "trigger_s": 100.0, "last_frame_s": 104.0}
        with (self.root / "recordings.jsonl").open("a") as index:
            index.write(json.dumps(entry) + "\n")


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path / "yard")


def h264(path: Path, **options: Any) -> Path:
    return make(path, 4, **options)


def export(night: Night, output: Path, begin: str = "2017-04-02T05:00", end: str = "2017-04-02T23:00") -> int:
    span = ["--from", f"{begin}+00:00", "--to", f"{end}+00:00"]
    return main([str(night.root), *span, "--output", str(output)])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("bframes", [0, 2])
def test_every_picture_of_the_span_in_one_file(night: Night, tmp_path: Path, bframes: int) -> None:
    for _ in range(4):
        night.add(h264(tmp_path / "clip.mp4", bframes=bframes))
    output = tmp_path / "for the police.mp4"
    assert export(night, output, "2017-04-02T06:10", "2017-04-02T07:10") == 0
    played = play(output)
    assert played.numbers == [*range(COUNT)] * 2
    # OpenCV tells the first picture's time wrongly where pictures are reordered
    assert played.times[1:] == pytest.approx([number / FPS for number in range(1, 2 * COUNT)], abs=0.002)
    told = json.loads(output.with_name(output.name + ".json").read_text())
    assert told["sha256"] == sha256(output)
    assert [(each["file"], each["begins_at_s"]) for each in told["recordings"]] == [
        (night.files[1].name, 0.0),
        (night.files[2].name, 4.0),
    ]
    assert [each["sha256"] for each in told["recordings"]] == [sha256(file) for file in night.files[1:3]]


def test_h265_has_the_name_that_apple_players_know(night: Night, tmp_path: Path) -> None:
    night.add(h264(tmp_path / "in.ts", codec="h265"))
    assert export(night, tmp_path / "out.mp4") == 0
    assert b"hvc1" in (tmp_path / "out.mp4").read_bytes()


def test_recordings_of_encode_mode(night: Night, tmp_path: Path) -> None:
    for name in ("one.avi", "two.avi"):
        night.add(make_clip(tmp_path / name, rising(FPS, 4), [Visit(1, 2)]))
    assert export(night, tmp_path / "out.mp4") == 0
    assert play(tmp_path / "out.mp4").numbers == [*range(COUNT)] * 2


def test_the_last_picture_is_shown_as_long_as_the_others(night: Night, tmp_path: Path) -> None:
    night.add(make_clip(tmp_path / "one.mp4", rising(10, 4), [Visit(1, 2)]))
    assert export(night, tmp_path / "out.mp4") == 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert len([*container.decode(stream)]) == 40
        assert float(stream.duration * stream.time_base) == pytest.approx(4, abs=0.002)


def test_zip_has_the_files_as_they_are(night: Night, tmp_path: Path) -> None:
    night.add(h264(tmp_path / "clip.mp4"))
    night.add(make_clip(tmp_path / "clip.avi", rising(10, 4), [Visit(1, 2)]))
    assert export(night, tmp_path / "out.zip") == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as container:
        told = json.loads(container.read("export.json"))["recordings"]
        for each, file in zip(told, night.files, strict=True):
            assert container.read(each["name"]) == file.read_bytes()
            assert each["sha256"] == sha256(file)


def test_a_file_from_before_the_clock_was_set_goes_into_the_zip(night: Night, tmp_path: Path) -> None:
    night.add(make_clip(tmp_path / "clip.avi", rising(10, 4), ()))
    os.utime(night.files[0], (0, 0))
    assert export(night, tmp_path / "out.zip") == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as container:
        assert container.read(f"yard/{night.files[0].name}") == night.files[0].read_bytes()


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(days=20_000)])
def test_a_recording_in_which_the_clock_was_set_lies_where_its_name_says(
    night: Night, tmp_path: Path, step: timedelta
) -> None:
    clip = make_clip(tmp_path / "clip.avi", rising(10, 4), ())
    night.add(clip, step)  # at 6:00
    night.add(clip)  # at 6:30
    for minute, output, expected in ((0, "first.zip", 0), (30, "second.zip", 1)):
        assert (
            export(night, tmp_path / output, f"2017-04-02T06:{minute:02}", f"2017-04-02T06:{minute + 10}")
            == 0
        )
        with zipfile.ZipFile(tmp_path / output) as container:
            (told,) = json.loads(container.read("export.json"))["recordings"]
        assert told["file"] == night.files[expected].name


@pytest.mark.parametrize("name", [".", "../yard/.", "days/.."])
def test_an_archive_is_called_as_its_folder_however_it_is_named(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    night.add(make_clip(tmp_path / "clip.avi", rising(10, 4), ()))
    (night.root / "days").mkdir()
    monkeypatch.chdir(night.root)
    span = ["--from", "2017-04-02T05:00+00:00", "--to", "2017-04-02T23:00+00:00"]
    assert main([name, *span, "--output", str(tmp_path / "out.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as container:
        (told,) = json.loads(container.read("export.json"))["recordings"]
        assert told["archive"] == "yard"
        assert told["name"] == f"yard/{night.files[0].name}"
        assert container.read(told["name"]) == night.files[0].read_bytes()


def test_a_recording_that_was_removed_by_hand_is_told(
    night: Night, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("one.avi", "two.avi"):
        night.add(make_clip(tmp_path / name, rising(10, 4), ()))
    night.files[0].unlink()
    assert export(night, tmp_path / "out.zip") == 0
    assert f"{night.files[0].name}: is left out, since it is not there any more" in caplog.text


@pytest.mark.parametrize(("end", "said"), [("2017-04-02T07:00", 1), ("2017-04-02T06:15", 0)])
def test_a_recording_that_is_not_closed_yet_is_told(
    night: Night, tmp_path: Path, caplog: pytest.LogCaptureFixture, end: str, said: int
) -> None:
    night.add(make_clip(tmp_path / "clip.avi", rising(10, 4), ()))
    (night.root / "2017-04-02").mkdir()
    (night.root / "2017-04-02" / "video_2017-04-02T063000.part.jsonl").touch()
    assert export(night, tmp_path / "out.zip", end=end) == 0
    assert caplog.text.count("video_2017-04-02T063000.part.jsonl: is left out") == said


@pytest.mark.parametrize("other", ["size", "codec"])
def test_what_does_not_go_together(
    night: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    night.add(h264(tmp_path / "clip.mp4"))
    if other == "size":
        night.add(h264(tmp_path / "larger.mp4", scene_size=(480, 272)))
    else:
        night.add(make_clip(tmp_path / "clip.avi", rising(10, 4), [Visit(1, 2)]))
    assert export(night, tmp_path / "out.mp4") == 1
    assert "export a .zip" in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_nothing_from_elsewhere_is_exported(
    night: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    night.add(h264(tmp_path / "secret.mp4"))
    index = night.root / "recordings.jsonl"
    index.write_text(index.read_text().replace(night.files[0].name, "../secret.mp4"))
    assert export(night, tmp_path / "out.zip") == 1
    assert "nothing was recorded" in capsys.readouterr().err
    assert "secret.mp4: is left out" in caplog.text


@pytest.mark.parametrize(
    ("output", "taken"),
    [
        ("out.mp4", "out.mp4"),
        ("out.mp4", "out.mp4.json"),
        ("out.mp4", "out.part.mp4"),
        ("out.zip", "out.part.zip"),
    ],
)
def test_nothing_is_overwritten(
    night: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str, taken: str
) -> None:
    night.add(h264(tmp_path / "clip.mp4"))
    (tmp_path / taken).write_text("mine")
    assert export(night, tmp_path / output) == 1
    assert "not overwritten" in capsys.readouterr().err
    assert (tmp_path / taken).read_text() == "mine"


def test_the_installed_command(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    night.add(h264(tmp_path / "clip.mp4"))
    span = ["--from", "2017-04-02", "--to", "2017-04-03", "--output", str(tmp_path / "out.zip")]
    monkeypatch.setattr("sys.argv", ["pynvr", "export", str(night.root), *span])
    assert pynvr.main() == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out.zip'}\n"


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_is_no_failure(night: Night, tmp_path: Path) -> None:
    night.add(h264(tmp_path / "clip.mp4"))
    arguments = ["--from", "2017-04-02", "--to", "2017-04-03", "--output", str(tmp_path / "out.zip")]
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "pynvr.pages.export", str(night.root), *arguments]
    exported = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (exported.returncode, exported.stderr) == (0, b"")
    assert (tmp_path / "out.zip").exists()


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["export", "archive"]])
def test_what_an_opencv_lacks_is_said_in_one_line(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", "import pynvr, sys; sys.exit(pynvr.main())", *words]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("pynvr: libGL.so.1: cannot open shared object file; ")


@pytest.mark.slow
def test_sound_stays_in_step_also_after_a_recording_without_any(night: Night, tmp_path: Path) -> None:
    for sounds in (True, False, True):
        clip = tmp_path / "clip.mkv"
        night.add(clapping(clip, seconds=4) if sounds else h264(clip, each=lambda image, _: clap(image, 0)))
    assert export(night, tmp_path / "out.mp4") == 0
    assert play(tmp_path / "out.mp4").numbers == [*range(COUNT)] * 3
    seen, heard = claps_in(tmp_path / "out.mp4")
    assert seen == pytest.approx([0.52, 1.52, 2.52, 3.52, 8.52, 9.52, 10.52, 11.52], abs=1 / FPS)
    assert heard == pytest.approx(seen, abs=0.04)


@pytest.mark.parametrize("sound", ["pcm_s16le", "mp3_8k"])
def test_sound_that_an_mp4_cannot_have_is_left_out(
    night: Night, tmp_path: Path, caplog: pytest.LogCaptureFixture, sound: str
) -> None:
    night.add(clapping(tmp_path / "clip.mkv", sound, seconds=4))
    assert export(night, tmp_path / "out.mp4") == 0
    assert play(tmp_path / "out.mp4").numbers == [*range(COUNT)]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio
    assert f"{night.files[0].name}: its sound cannot be joined" in caplog.text


@pytest.mark.slow
def test_recordings_whose_parameter_sets_differ(night: Night, tmp_path: Path) -> None:
    for bframes in (0, 2, 0):
        night.add(h264(tmp_path / "clip.mp4", bframes=bframes))
    assert export(night, tmp_path / "out.mp4") == 0
    assert play(tmp_path / "out.mp4").numbers == [*range(COUNT)] * 3


def test_prints_nothing_but_the_names(
    night: Night, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    night.add(h264(tmp_path / "clip.mp4"))
    cv2.setLogLevel(3)  # as it is in a new process
    assert export(night, tmp_path / "out.mp4") == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [("2018-01-01", "2018-01-02", "nothing was recorded"), ("2017-04-02", "2017-04-03", "no archive")],
)
def test_nothing_to_export(
    night: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str], begin: str, end: str, said: str
) -> None:
    if said != "no archive":
        night.add(h264(tmp_path / "clip.mp4"))
    assert export(night, tmp_path / "out.mp4", f"{begin}T00:00", f"{end}T00:00") == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["a", "--from", "2017-04-02", "--to", "2017-04-01", "--output", "x.mp4"],
        ["a", "--from", "2017-04-02", "--to", "2017-04-03", "--output", "x.avi"],
        ["a", "b", "--from", "2017-04-02", "--to", "2017-04-03", "--output", "x.mp4"],
        ["a", "--from", "yesterday", "--to", "2017-04-03", "--output", "x.mp4"],
    ],
)
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_the_hour_that_comes_twice_is_exported_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the night in which clocks are set back; in the other one an hour does not come at all."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        spans = [(earliest(f"{day}T02:30"), latest(f"{day}T02:30")) for day in ("2017-10-29", "2017-03-26")]
        assert earliest("2017-10-29T02:30+02:00") == latest("2017-10-29T00:30+00:00")
    time.tzset()
    for (first, last), day in zip(spans, ((2017, 10, 29), (2017, 3, 26)), strict=True):
        assert first == datetime(*day, 0, 30, tzinfo=timezone.utc)
        assert last == datetime(*day, 1, 30, tzinfo=timezone.utc)
