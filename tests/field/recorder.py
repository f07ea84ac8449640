"""pynvr as the field tests run it: on one file, with settings that make one recording of all that moves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from player import Picture, watch
from recordings import read_index

ZYGOTE = Path(__file__).with_name("zygote.py")

EVERYTHING: dict[str, object] = {
    # the visitor comes early; the pre-alarm reaches back to the first picture and the hold to the last
    "PRE_ALARM_RECORDING_SECONDS": 86400,
    "MINIMAL_MOTION_DURATION": 86400,
    "RECORDING_MAX_DURATION_SECS": 1e9,
    "MOTION_DETECTOR": "classic",
    "MOTION_AREA_THRESHOLD": 600,
    "PRE_ALARM_MEMORY_LIMIT_MB": 512,
    "ARCHIVE_MIN_FREE_GB": None,
    "STATUS_FILE_PATH": None,
    "ARCHIVE_PAGE": False,
    "LOG_TO_CONSOLE": False,
}
# containers that give every picture its own time
ENCODE: dict[str, object] = {
    "RECORDING_MODE": "encode",
    "FOURCC_CODEC": "mp4v",
    "OUTPUT_FILES_EXTENSION": ".mp4",
}
COPY: dict[str, object] = {"RECORDING_MODE": "copy"}
COPY_MJPEG: dict[str, object] = {"RECORDING_MODE": "copy", "OUTPUT_FILES_EXTENSION": ".mkv"}

_COMPLAINT = re.compile(r" - (?:WARNING|ERROR|CRITICAL) - (.*)")


@dataclass(frozen=True)
class Run:
    """What one run of the recorder left."""

    copied: bool
    """Whether in copy mode."""
    code: int | str
    """Exit code; negative for a signal; "hung"."""
    out: str
    err: str
    complaints: list[str]
    """Warnings and errors of the log."""
    recordings: list[Path]
    index: list[dict[str, Any]]

    @cached_property
    def seen(self) -> list[list[Picture]]:
        """What a player sees of each recording."""
        return [watch(path) for path in self.recordings]


class Recorder:
    """Runs pynvr again and again: `with Recorder() as recorder: recorder.run(folder, path, ENCODE)`."""

    def __enter__(self) -> Recorder:
        self._process = subprocess.Popen(
            [sys.executable, str(ZYGOTE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._answers.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self._process.wait()
        self._answers.close()

    def run(self, folder: Path, cam: Path, mode: dict[str, object], *arguments: str) -> Run:
        """Record `cam` into an archive within the (new) folder."""
        folder.mkdir(parents=True)
        archive, log = folder / "video", folder / "pynvr.log"
        settings = EVERYTHING | mode | {"PATH_FOR_VIDEO": str(archive), "LOG_FILE_PATH": str(log)}
        config = folder / "chosen.py"
        config.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        config.chmod(0o600)
        code = self._do("record", folder, "--config", str(config), "--cam", str(cam), *arguments)
        index = read_index(archive)
        said = log.read_text(errors="replace") if log.exists() else ""
        return Run(
            mode["RECORDING_MODE"] == "copy",
            code,
            (folder / "out").read_text(errors="replace"),
            (folder / "err").read_text(errors="replace"),
            _COMPLAINT.findall(said),
            [archive / entry["file"] for entry in index],
            index,
        )

    def decode(self, folder: Path, path: Path) -> list[int | None]:
        """The numbers of all pictures that OpenCV alone can decode; raises RuntimeError where it crashes."""
        folder.mkdir(parents=True)
        code = self._do("decode", folder, str(path))
        if code != 0:
            raise RuntimeError(f"OpenCV ended with {code} on {path}")
        numbers: list[int | None] = json.loads((folder / "out").read_text())
        return numbers

    def _do(self, *request: str | Path) -> int | str:
        self._requests.write(json.dumps([str(part) for part in request]) + "\n")
        self._requests.flush()
        code: int | str = json.loads(self._answers.readline())
        return code
