"""What the archive's page costs, and how quickly it is there, with a year of twenty cameras.

Writes an index for each camera as the recorder would, has the page made of it, and measures how large its
files are, what one closing costs more, and in Chromium the first paint and how long another day takes. Prints
the table of docs/figures.

    .venv/bin/python benchmarks/pages.py [--cameras 20] [--days 365] [--recordings 200]
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pynvr.archive.entry import Known, typed  # noqa: E402
from pynvr.pages import site  # noqa: E402
from pynvr.pages.day import Row, row_of  # noqa: E402

LAST_DAY = datetime(2017, 12, 31, tzinfo=timezone.utc)
REPEATS = 20
CHANGE_DAY = """async () => {
  const begun = performance.now(), cards = document.getElementById("cards");
  const drawn = new Promise((done) => new MutationObserver(() =>
    requestAnimationFrame(() => requestAnimationFrame(done))).observe(cards, { childList: true }));
  document.getElementById("earlier").click();
  await drawn;
  return performance.now() - begun;
}"""


class CountedSite(site.Site):
    """A site whose recordings have no files: what they would take on the disk is made up."""

    def _row(self, entry: Known) -> Row | None:
        return row_of(entry, random.randrange(10**6, 10**8), kept=False)


def entries(days: int, recordings: int) -> Iterator[Known]:
    """The index of one camera, in the order of closing."""
    for day in range(days):
        midnight = LAST_DAY - timedelta(days=days - 1 - day)
        for second in sorted(random.uniform(0, 86300) for _ in range(recordings)):
            trigger = midnight + timedelta(seconds=second)
            line = {
                "file": f"{trigger:%Y-%m-%d}/video_{trigger:%Y-%m-%dT%H%M%S}.mp4",
                "trigger_utc": trigger.isoformat(timespec="milliseconds"),
                "first_frame_s": 0.0,
                "trigger_s": 5.0,
                "last_frame_s": random.uniform(15, 120),
                "peak_changed_px": int(random.lognormvariate(8, 1)),
            }
            yield typed(line)


def closing_ms(one: site.Site) -> float:
    """CPU of showing one more recording on a full day."""
    costs = []
    for entry in list(entries(1, REPEATS)):
        begun = time.process_time()
        one.add(entry)
        costs.append((time.process_time() - begun) * 1000)
    return statistics.median(costs)


def in_browser(root: Path) -> tuple[float, float]:
    """Milliseconds to the first paint, and to another day."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    paints, changes = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(5):
            with browser.new_context(timezone_id="Europe/Berlin") as context:
                page = context.new_page()
                page.goto((root / "index.html").as_uri())
                page.wait_for_selector("#cards button.card")
                paints.append(
                    page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
                )
                changes += [page.evaluate(CHANGE_DAY) for _ in range(3)]
        browser.close()
    return statistics.median(paints), statistics.median(changes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--recordings", type=int, default=200, help="a day")
    options = parser.parse_args()
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(options.cameras):
            (root / f"camera {number}").mkdir()
            one = CountedSite(root / f"camera {number}")
            one.install(f"camera {number}", root)
            one.reconcile(entries(options.days, options.recordings))
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        paint, change = in_browser(root)
        closing = closing_ms(one)
    own = sum(path.stat().st_size for path in (ROOT / "pynvr" / "pages" / "site").iterdir())
    total = options.cameras * options.days * options.recordings
    rows = [
        (f"files of {total:,} recordings", "≤ 100", f"{size / 1e6:.0f} MB"),
        ("the page itself", "≤ 60", f"{own / 1e3:.0f} kB"),
        ("CPU of a closing, beyond the rest", "≤ 20", f"{closing:.1f} ms"),
        ("first paint", "≤ 1000", f"{paint:.0f} ms"),
        ("another day", "≤ 300", f"{change:.0f} ms"),
    ]
    print("| figure | target | measured |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
