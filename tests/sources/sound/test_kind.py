"""Sound that is not as it was announced: the log says so once."""

from __future__ import annotations

import pytest

from pynvr.sources.sound.kind import SoundKind


@pytest.mark.parametrize(("codec", "times"), [("aac", 1), ("", 0)])
def test_promised_sound_that_never_comes_is_told(
    codec: str, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Many cameras announce sound although their microphone is off."""
    kind = SoundKind("camera x", codec)
    for second in range(9):
        kind.note_picture(100.0 + second)
    assert caplog.text == ""
    for second in range(9, 30):
        kind.note_picture(100.0 + second)
    assert caplog.text.count("camera x: its sound is missing") == times
