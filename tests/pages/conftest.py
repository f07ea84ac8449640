"""An archive of two cameras with real recordings, and a browser to look at it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from pynvr.pages.site import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * 0.0.0.0 , EXCLUDE 127.0.0.1",
]
LONG_DAY = datetime(2017, 10, 29, tzinfo=timezone.utc)
"""In Berlin it has 25 hours."""
NASTY = "<script>alert(1)</script> \"'&\n\u2028../"
"""A name for a camera that has to be shown as it is."""
LENGTH_S = 20.0


def film(path: Path) -> Path:
    """20 s of H.264 whose pictures become brighter, second by second."""
    grey = "geq=lum='10*floor(T)+10':cb=128:cr=128"
    source = ["-f", "lavfi", "-i", f"color=size=160x120:rate=10:duration={LENGTH_S:g},{grey}"]
    encoder = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10", "-movflags", "+faststart"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *encoder, str(path)], check=True, timeout=60)
    return path


class Cameras:
    """A folder with the archives of two cameras, and one page for both."""

    def __init__(self, root: Path, film: Path) -> None:
        self.root = root
        self._film = film
        self._lines: dict[str, list[dict[str, Any]]] = {}
        self.sites: dict[str, Site] = {}
        for folder, name in (("yard", NASTY), ("hinter dem Haus #2 %41", "behind")):
            (root / folder).mkdir(parents=True)
            self.sites[folder] = site = Site(root / folder)
            site.install(name, root)
            self._lines[folder] = []

    def record(self, folder: str, trigger: datetime, **more: object) -> None:
        """Add a recording with its picture and its strip; `suffix` is that of its file."""
        suffix = str(more.pop("suffix", ".mp4"))
        stem = f"{trigger:%Y-%m-%d}/video_{trigger:%Y-%m-%dT%H%M%S}"
        file = self.root / folder / f"{stem}{suffix}"
        file.parent.mkdir(exist_ok=True)
        shutil.copy(self._film, file)
        picture = np.full((90, 160, 3), 90, np.uint8)
        cv2.putText(picture, f"{trigger:%H:%M}", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
        cv2.imwrite(str(file.with_suffix(".jpg")), picture)
        tiles = [np.full((45, 80, 3), 60 * number, np.uint8) for number in range(4)]
        cv2.imwrite(str(file.with_suffix(".strip.jpg")), np.hstack(tiles))
        line: dict[str, Any] = {"file": f"{stem}{suffix}", "trigger_utc": trigger.isoformat()}
        line |= {"first_frame_s": 0.0, "trigger_s": 5.0, "last_frame_s": LENGTH_S, "peak_changed_px": 5000}
        line |= {"picture": "x", "strip": "x", "strip_pictures": 4} | more
        self._lines[folder].append(line)

    def publish(self) -> None:
        """Write the page's days from what was recorded."""
        for folder, site in self.sites.items():
            site.reconcile(self._lines[folder])
            site.write_now({"state": "stopped", "recording": None, "alive": "2017-10-30T00:00:00+00:00"})


@pytest.fixture(scope="session")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Cameras:
    """Recordings of the long day and the one after, of two cameras."""
    folder = tmp_path_factory.mktemp("archives")
    cameras = Cameras(folder / "all ümlaut", film(folder / "film.mp4"))
    for hour in (0, 6, 12, 18, 22):
        cameras.record("yard", LONG_DAY + timedelta(hours=hour))
    cameras.record("yard", LONG_DAY + timedelta(hours=13), suffix=".avi", recovered=True)
    for hour in (1, 6.5, 23.5):  # the last one is on the next day in Berlin
        cameras.record("hinter dem Haus #2 %41", LONG_DAY + timedelta(hours=hour), peak_changed_px=400)
    cameras.sites["yard"].note_gap(LONG_DAY + timedelta(hours=8), LONG_DAY + timedelta(hours=9), "lost")
    cameras.publish()
    return cameras


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desktop", "phone"])
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    """A browser's window in Berlin."""
    width, height = request.param
    made = browser.new_context(
        viewport={"width": width, "height": height},
        timezone_id="Europe/Berlin",
        locale="de-DE",
        has_touch=width < 500,
        http_credentials={"username": "user", "password": "secret"},
    )
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must not complain of anything."""
    made, complaints = context.new_page(), []
    made.on("console", lambda message: complaints.append(message.text))
    made.on("pageerror", lambda error: complaints.append(str(error)))
    yield made
    assert complaints == []


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
