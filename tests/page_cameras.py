"""Archives of two cameras with real recordings, and what a browser is started with."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from pynvr.archive.entry import Known
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
        line |= {"picture": "x", "strip": "x", "strip_s": [0, 1, 2, 3]} | more
        self._lines[folder].append(line)

    def publish(self) -> None:
        """Write the page's days from what was recorded."""
        for folder, site in self.sites.items():
            site.reconcile(msgspec.convert(self._lines[folder], list[Known]))
            site.write_now({"state": "stopped", "recording": None, "alive": "2017-10-30T00:00:00+00:00"})
