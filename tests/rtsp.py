"""The test camera from pytest's side: `needs_rtsp` skips, `RtspServer` runs it, `encode` makes its files."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

import numpy as np
import pytest

PYTHON = "/usr/bin/python3"  # gi is a package of the system, not of a virtual environment
SCRIPT = Path(__file__).with_name("rtsp_server.py")
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp gstreamer1.0-plugins-base "
    "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav ffmpeg"
)
PROBE = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert all(map(Gst.ElementFactory.find, ["rtph264pay", "qtdemux", "h265parse", "tsdemux"]))
"""


def _missing() -> str | None:
    if shutil.which("ffmpeg") is None:
        return "ffmpeg"
    probe = [PYTHON, "-c", PROBE]
    if not Path(PYTHON).exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        return "GStreamer's RTSP server"
    return None


_lacking = _missing()
needs_rtsp = pytest.mark.skipif(_lacking is not None, reason=f"needs {_lacking}: apt-get install {PACKAGES}")


class RtspServer:
    """The test camera as a process: `with RtspServer({"main": path}, from_start=True) as server: …`.

    Keyword arguments are rtsp_server.py's options. What it has printed is in `lines`.
    """

    def __init__(
        self,
        streams: Mapping[str, Path | str],
        *,
        port: int = 0,
        user: str | None = None,
        password: str = "",
        **flags: bool,
    ) -> None:
        self.port, self.user, self.password = port, user, password
        self._arguments = [f"--{name.replace('_', '-')}" for name, on in flags.items() if on]
        if user is not None:
            self._arguments += [f"--user={user}", f"--password={password}"]
        self._arguments += [f"{mount}={path}" for mount, path in streams.items()]
        self.lines: list[str] = []
        self._changed = threading.Condition()  # guards lines

    def __enter__(self) -> RtspServer:
        # held while the server is away, so that nobody else gets the port
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", self.port))
        self.port = self._place.getsockname()[1]
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._place.close()

    def start(self) -> None:
        """Start it, again on the same port if it ran before; returns when it listens."""
        seen = len(self.lines)
        command = [PYTHON, str(SCRIPT), f"--port={self.port}", *self._arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._collect, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        answer = self.wait_for("ready", "ended", seen=seen, timeout_s=30)
        if answer == "ended":
            raise RuntimeError("the RTSP server could not start: see its error output")
        self.port = int(answer.split()[1])

    def stop(self) -> None:
        """End it in good order (also when it is stopped or dead already)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: every connection is cut. `start` brings it back on the same port."""
        self._end(signal.SIGKILL)

    def pause_process(self) -> None:
        """SIGSTOP: sockets stay open, nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume_process(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def url(self, mount: str, user: str | None = None, password: str | None = None) -> str:
        """The stream's address, with the server's own user and password unless others are given."""
        user, password = user or self.user, self.password if password is None else password
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"rtsp://{login}127.0.0.1:{self.port}/{mount}"

    def command(self, line: str) -> None:
        """Send a command (`pause 2.5`, `switch MOUNT FILE`, …); returns when done, raises ValueError."""
        assert self._process.stdin is not None
        seen = len(self.lines)
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self.wait_for(f"ok {line}", f"error {line}", seen=seen)
        if answer.startswith("error"):
            raise ValueError(answer)

    def wait_for(self, *beginnings: str, seen: int = 0, timeout_s: float = 10.0) -> str:
        """The first line after the `seen` first ones that begins so: `playing main`, or `ended`."""

        def find() -> str | None:
            return next((line for line in self.lines[seen:] if line.startswith(beginnings)), None)

        with self._changed:
            line = self._changed.wait_for(find, timeout_s)
        if line is None:
            raise TimeoutError(f"the RTSP server did not say {beginnings}, but {self.lines[seen:]}")
        return line

    def cpu_seconds(self) -> float:
        """Processor time that the server has used so far, user and system."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _end(self, signal_number: int) -> None:
        self._process.send_signal(signal_number)
        self.resume_process()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _collect(self, stdout: TextIO) -> None:
        with stdout:
            for line in stdout:
                self._add(line.rstrip("\n"))
        self._add("ended")

    def _add(self, line: str) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()


def encode(
    path: Path | str,
    frames: Iterable[np.ndarray[Any, Any]],
    fps: float = 25,
    codec: str = "h264",
    *,
    gop: int | None = None,
    bframes: int = 0,
    times: Sequence[float] | None = None,
    size: tuple[int, int] | None = None,
    bitrate: int | None = None,
) -> Path:
    """Encode BGR uint8 images into a file of the suffix's kind with Debian's ffmpeg.

    MJPEG wants .mkv or .avi, VP8 .mkv.

    Frames come at a constant `fps`, or at `times`: rising seconds, kept to the millisecond, at most 5000.
    `gop`: frames from key to key (default: 1 s); `size`: (width, height) to scale to; `bitrate`: bit/s.
    """
    images = iter(frames)
    first = next(images)
    height, width = first.shape[:2]
    key = gop or max(1, round(fps))
    rate = str(fps) if times is None else "1000"  # at given times one tick of the input is a millisecond
    filters = ["null"]
    if size is not None:
        filters += [f"scale={size[0]}:{size[1]}"]
    if times is not None:
        filters += [f"setpts='{_step_function([round(1000 * t) for t in times])}'"]
    x265 = f"log-level=error:keyint={key}:min-keyint={key}:scenecut=0:open-gop=0:bframes={bframes}"
    encoder = {
        "h264": f"-c:v libx264 -preset veryfast -g {key} -bf {bframes} -sc_threshold 0 -pix_fmt yuv420p",
        "h265": f"-c:v libx265 -preset ultrafast -tag:v hvc1 -pix_fmt yuv420p -x265-params {x265}",
        "mjpeg": "-c:v mjpeg -huffman default -q:v 4 -pix_fmt yuvj420p",
        "mpeg4": f"-c:v mpeg4 -g {key} -q:v 4 -pix_fmt yuv420p",
        "vp8": f"-c:v libvpx -deadline realtime -g {key} -pix_fmt yuv420p",
    }[codec]
    if bitrate is not None:
        encoder += f" -b:v {bitrate}"
    if times is not None and Path(path).suffix == ".mp4":
        # ffmpeg 7 ends the edit list where the last frame begins, if that has no duration, and hides it
        encoder += " -video_track_timescale 1000 -bsf:v setts=pts=PTS:dts=DTS:duration=max(DURATION\\,1)"
    source = f"-f rawvideo -pix_fmt bgr24 -video_size {width}x{height} -framerate {rate} -i -"
    command = ["nice", "ffmpeg", "-v", "error", "-y", *source.split(), "-vf", ",".join(filters)]
    command += ["-fps_mode", "passthrough", *encoder.split(), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        with contextlib.suppress(BrokenPipeError):  # ffmpeg has given up, and says why
            for image in itertools.chain([first], images):
                process.stdin.write(np.ascontiguousarray(image).data)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        complaint = process.stderr.read().decode()
    if process.returncode or complaint:
        raise RuntimeError(f"ffmpeg could not make {path}: {complaint}")
    return Path(path)


def _step_function(values: Sequence[int], first: int = 0) -> str:
    """values[N] as an ffmpeg expression of the frame number N: a tree, quick for thousands of values."""
    if len(values) == 1:
        return str(values[0])
    half = len(values) // 2
    left, right = _step_function(values[:half], first), _step_function(values[half:], first + half)
    return f"if(lt(N,{first + half}),{left},{right})"
