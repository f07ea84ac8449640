"""Sound in copy mode: what was heard is recorded beside what was seen, whatever befalls the camera."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from copies import complaints
from rtsp import RtspServer, needs_rtsp
from running import RecorderProcess
from sounds import apart_s, clapping, claps_in, codec_of_sound

pytestmark = [needs_rtsp, pytest.mark.slow]

PRE_S, HOLD_S = 2.0, 1.0
MOST_APART_S = 0.04
Start = Callable[..., RecorderProcess]


@pytest.fixture
def start(start: Start) -> Start:
    """In copy mode with sound, and quick."""
    return partial(
        start,
        RECORDING_MODE="copy",
        RECORD_SOUND=True,
        PRE_ALARM_RECORDING_SECONDS=PRE_S,
        INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=1.0,
        CAMERA_READ_TIMEOUT_SECS=1.0,
        MOTION_AREA_THRESHOLD=3000,
        MINIMAL_MOTION_DURATION=HOLD_S,
    )


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes streams that clap, each only once."""
    folder = tmp_path_factory.mktemp("streams")
    made: dict[str, Path] = {}

    def make(sound: str, **options: object) -> Path:
        name = "".join(c for c in f"{sound}{options}" if c.isalnum())
        if name not in made:
            made[name] = clapping(folder / f"{name}.mkv", sound, **options)
        return made[name]

    return make


def check(recording: Path, codec: str, claps: int) -> None:
    """A recording has sound of this codec, nobody complains of it, and it claps in time."""
    assert codec_of_sound(recording) == codec
    assert complaints(recording) == ""
    apart = apart_s(recording)
    assert len(apart) >= claps, claps_in(recording)
    assert max(map(abs, apart)) <= MOST_APART_S, apart


@pytest.mark.parametrize(
    ("sound", "options", "recorded"),
    [
        ("aac", {}, "aac"),
        ("aac", {"codec": "h265"}, "aac"),
        ("aac", {"bframes": 2, "gop": 50}, "aac"),
        ("opus", {}, "opus"),
        ("mp3", {}, "mp3"),
        ("pcm_mulaw", {}, "aac"),
        ("pcm_alaw", {}, "aac"),
    ],
)
def test_what_was_heard_is_recorded(
    stream: Callable[..., Path], start: Start, sound: str, options: dict[str, object], recorded: str
) -> None:
    with RtspServer({"cam": stream(sound, **options)}, from_start=True, sound=True) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_recording(1, 20)
        recorder.stop()
    entry = recorder.index()[0]
    # from the pre-alarm to the end of the hold: motion from 4 to 5 s
    check(recorder.archive / entry["file"], recorded, claps=3)
    assert entry["trigger_in_file_s"] >= PRE_S - 0.001
