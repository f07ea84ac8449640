"""A recording plays and seeks in a real browser: headless Chromium, as Debian has it."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import pytest
from copies import make
from page_cameras import CHROMIUM
from page_cameras import OPTIONS as CHROMIUM_OPTIONS
from recordings import read_index
from rtsp import needs_rtsp
from running import defaults
from sounds import clapping

from pynvr.cli import record

pytestmark = [
    pytest.mark.slow,
    needs_rtsp,  # for ffmpeg
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

OPTIONS = [
    *CHROMIUM_OPTIONS,
    "--headless",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--hide-scrollbars",
    "--window-size=640,480",
]

# The hidden picture holds back the load event, and with it the screenshot, until the page has told what
# it found.
PAGE = """<!doctype html><style>
body {margin: 0; background: #000} video {display: block; width: 640px; height: 480px} img {display: none}
</style>
<video muted src="NAME"></video><img src="/told"><script>
const video = document.querySelector("video"), found = {};
const wait = name => new Promise(done => video.addEventListener(name, done, {once: true}));
(async () => {
  if (video.readyState < 1) await wait("loadedmetadata");
  Object.assign(found, {duration: video.duration, before: video.currentTime});
  Object.assign(found, {width: video.videoWidth, height: video.videoHeight});
  await video.play();
  while (video.currentTime < 0.5) await wait("timeupdate");
  video.pause();
  found.after = video.currentTime;
  video.currentTime = SEEK;
  await wait("seeked");
  found.sought = video.currentTime;
})().catch(error => { found.error = String(error); }).finally(() => {
  fetch("/found", {method: "POST", body: JSON.stringify(found)});
});
</script>"""

# The first clap as it is heard, and whether the pictures around it show it.
SOUND_PAGE = """<!doctype html><style>img {display: none}</style>
<video muted src="NAME"></video><canvas width="320" height="240"></canvas><img src="/told"><script>
const video = document.querySelector("video"), found = {};
const canvas = document.querySelector("canvas").getContext("2d");
const wait = name => new Promise(done => video.addEventListener(name, done, {once: true}));
const lit = async time => {
  video.currentTime = time;
  await wait("seeked");
  canvas.drawImage(video, 0, 0);
  return canvas.getImageData(312, 232, 1, 1).data[1] > 128;
};
(async () => {
  if (video.readyState < 1) await wait("loadedmetadata");
  await video.play();
  while (video.currentTime < 0.5) await wait("timeupdate");
  video.pause();
  found.decoded = video.webkitAudioDecodedByteCount;
  const bytes = await (await fetch("NAME")).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes);
  found.heard = sound.getChannelData(0).findIndex(sample => Math.abs(sample) > 0.2) / 48000;
  found.lit = [];
  for (const later of [-0.06, 0.02, 0.1]) found.lit.push(await lit(found.heard + later));
})().catch(error => { found.error = String(error); }).finally(() => {
  fetch("/found", {method: "POST", body: JSON.stringify(found)});
});
</script>"""

PATIENCE_S = 90.0


class Site(http.server.ThreadingHTTPServer):
    """A folder on loopback, and what the page in it tells."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.folder = folder
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.found: dict[str, Any] = {}
        self.told = threading.Event()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, with the byte ranges that a browser needs to seek."""

    server: Site

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.server.found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.set()
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/told":
            self.server.told.wait(PATIENCE_S)
            self.send_error(404)
            return
        path = Path(self.translate_path(self.path))
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted or not path.is_file():
            super().do_GET()
            return
        data = path.read_bytes()
        first, last = int(wanted[1]), int(wanted[2] or len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.wfile.write(data[first : last + 1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "www"
    folder.mkdir()
    with Site(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.told.set()
        server.shutdown()
        thread.join()


def screenshot(url: str, picture: Path, profile: Path) -> None:
    """Let Chromium open a page, and keep what it shows once the page has come to its end."""
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", f"--screenshot={picture}", url]
    subprocess.run(["nice", *command], capture_output=True, timeout=PATIENCE_S, check=True)


@pytest.mark.parametrize("bframes", [0, 2])
def test_a_recording_plays_and_seeks_in_a_browser(
    config_module: ModuleType, tmp_path: Path, archive_path: Path, site: Site, bframes: int
) -> None:
    source = make(tmp_path / "in.mp4", bframes=bframes)
    chosen = {"RECORDING_MODE": "copy", "cam": str(source), "STATUS_FILE_PATH": None}
    config_module.__dict__.update(defaults(tmp_path) | chosen)
    assert record(lambda: config_module, []) == 0
    (entry,) = read_index(archive_path)
    shutil.copy(archive_path / entry["file"], site.folder / "recording.mp4")
    (site.folder / "page.html").write_text(PAGE.replace("NAME", "recording.mp4").replace("SEEK", "4.5"))

    shot = tmp_path / "shot.png"
    screenshot(f"{site.address}/page.html", shot, tmp_path / "profile")
    found = site.found
    assert "error" not in found, found["error"]
    assert (found["width"], found["height"]) == (320, 240)
    assert found["duration"] == pytest.approx(entry["last_frame_s"] - entry["first_frame_s"], abs=0.05)
    assert found["before"] == 0
    assert found["after"] >= 0.5
    assert found["sought"] == pytest.approx(4.5, abs=0.001)

    seen = cv2.resize(cv2.imread(str(shot)), (640, 480))
    capture = cv2.VideoCapture(str(source))
    pictures = []
    while (got := capture.read())[0]:
        pictures.append(cv2.resize(got[1], (640, 480)))
    # the picture at 4.5 s with the moving square, and nearer to it than to the empty scene
    shown = round((entry["first_frame_s"] + 4.5) * 25)
    near = min(abs(seen.astype(int) - pictures[n]).mean() for n in range(shown - 1, shown + 2))
    far = abs(seen.astype(int) - pictures[0]).mean()
    assert near < 12
    assert near < far


@pytest.mark.parametrize(
    ("sound", "suffix"),
    [
        ("aac", ".mp4"),
        ("opus", ".mp4"),
        ("mp3", ".mp4"),
        ("pcm_mulaw", ".mp4"),
        ("aac", ".mkv"),
        ("pcm_mulaw", ".mkv"),
    ],
)
def test_picture_and_sound_play_in_step_in_a_browser(
    config_module: ModuleType, tmp_path: Path, archive_path: Path, site: Site, sound: str, suffix: str
) -> None:
    source = clapping(tmp_path / "in.mkv", sound)
    chosen = {"RECORDING_MODE": "copy", "RECORD_SOUND": True, "cam": str(source), "STATUS_FILE_PATH": None}
    chosen["OUTPUT_FILES_EXTENSION"] = suffix
    config_module.__dict__.update(defaults(tmp_path) | chosen)
    assert record(lambda: config_module, []) == 0
    (entry,) = read_index(archive_path)
    name = f"recording{suffix}"
    shutil.copy(archive_path / entry["file"], site.folder / name)
    (site.folder / "page.html").write_text(SOUND_PAGE.replace("NAME", name))
    screenshot(f"{site.address}/page.html", tmp_path / "shot.png", tmp_path / "profile")
    found = site.found
    assert "error" not in found, found["error"]
    assert found["decoded"] > 0
    assert found["lit"] == [False, True, False], found
