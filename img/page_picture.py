"""page.jpg and page_phone.jpg: the archive's page, with a day of two cameras in the drawn yard."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pynvr.archive.entry import Known  # noqa: E402
from pynvr.demo.scene import CROSSING, CROSSING_BACK, STANDING, DemoScene, Visit  # noqa: E402
from pynvr.pages.site import Site  # noqa: E402

DAY = datetime(2017, 4, 2, tzinfo=timezone.utc)
SIZE = (480, 270)
TILES = 8
CAMERAS = {"front door": ("trees", "rain", ""), "yard": ("", "insects", "snow")}
PATHS = (CROSSING, CROSSING_BACK, STANDING)


def record(root: Path, number: int, trigger: datetime, weather: str) -> dict[str, Any]:
    """A recording with its pictures, but without any video; returns its line of the index."""
    visit = Visit(0.5, 4, PATHS[number % 3], scale=0.9 + 0.1 * (number % 4))
    scene = DemoScene(SIZE, visits=(visit,), weather=(weather,) if weather else (), clock_start=trigger)
    file = root / f"{trigger:%Y-%m-%d}" / f"video_{trigger:%Y-%m-%dT%H%M%S}.mp4"
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as video:
        video.truncate(random.randrange(2_000_000, 40_000_000))
    cv2.imwrite(str(file.with_suffix(".jpg")), scene.render(1.4 + number % 5 * 0.4, number))
    strip = [cv2.resize(scene.render(0.5 + tile * 0.5, tile), (160, 90)) for tile in range(TILES)]
    cv2.imwrite(str(file.with_suffix(".strip.jpg")), np.hstack(strip))
    times = {"first_frame_s": 0.0, "trigger_s": 5.0, "last_frame_s": 15.0 + random.expovariate(1 / 40)}
    facts = {
        "peak_changed_px": round(random.lognormvariate(8, 0.8)),
        "picture": file.stem,
        "strip": file.stem,
    }
    name = file.relative_to(root).as_posix()
    return {"file": name, "trigger_utc": trigger.isoformat(), **times, **facts, "strip_s": [0.0] * TILES}


def make_archives(root: Path) -> None:
    """A day of both cameras, with a gap."""
    random.seed(4)
    for name, weathers in CAMERAS.items():
        (root / name).mkdir()
        site = Site(root / name)
        site.install(name, root)
        moments = sorted(random.triangular(5, 22, 8) for _ in range(22))
        lines = [
            record(root / name, number, DAY + timedelta(hours=hour), weathers[number // 8])
            for number, hour in enumerate(moments)
        ]
        site.reconcile(msgspec.convert(lines, list[Known]))
        if name == "yard":
            site.note_gap(DAY + timedelta(hours=1), DAY + timedelta(hours=3.2), "lost")
        now = datetime.now(timezone.utc).isoformat()
        site.write_now({"state": "watching", "recording": None, "alive": now})


def main(into: Path = HERE) -> None:
    """Write both pictures into a folder, which the command line may name."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        make_archives(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, width, height, scheme in (("page", 1280, 800, "light"), ("page_phone", 390, 844, "dark")):
            window: Any = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
            with browser.new_context(**window, locale="en-GB", timezone_id="UTC") as context:
                page = context.new_page()
                page.goto(f"{(Path(folder) / 'index.html').as_uri()}#2017-04-02")
                page.wait_for_selector("#cards img")
                page.wait_for_timeout(1000)
                page.screenshot(path=str(into / f"{name}.jpg"), type="jpeg", quality=85)
        browser.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
