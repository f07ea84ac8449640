"""Errors that a user can do something about, each kind with its exit code.

A message names the setting or the device and says what to do about it; the
command line prints it as one line, without a traceback.
"""

from pathlib import Path


class PynvrError(Exception):
    """The base of all errors of pynvr: something that the user has to know."""

    exit_code = 1


class CameraError(PynvrError):
    """The camera or the video file cannot be opened or gives no picture."""


class UnfitCameraError(CameraError):
    """The address leads to something that will never be a stream: another one is needed."""


class LoginRefusedError(CameraError):
    """The camera refuses the user or the password."""


class StoppedError(PynvrError):
    """The run was asked to end before it had begun."""


class ArchiveError(PynvrError):
    """The archive is not there, perhaps only for now: a service manager should try again."""


class RecordingError(PynvrError):
    """A recording cannot be written, closed or read back."""


class TakenError(RecordingError):
    """A file of that name exists, and is not overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: exists already and is not overwritten; give another name")


class HangingError(RecordingError):
    """A thread hangs in the operating system. The process has to end without waiting for it."""


class SettingsError(PynvrError):
    """Settings that cannot work; 78 is EX_CONFIG of sysexits.h.

    A service manager should not restart after it: only an edit can help.
    """

    exit_code = 78
