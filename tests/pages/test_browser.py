"""The page in a real browser, opened from the disk, on a desktop and on a phone."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_cameras import NASTY, Cameras
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pynvr.pages.site import Site

CARD = "#cards button.card"


@pytest.fixture
def shown(page: Page, cameras: Cameras) -> Page:
    """The long day, opened from the disk."""
    page.goto(f"{(cameras.root / 'index.html').as_uri()}#2017-10-29")
    expect(page.locator(CARD)).to_have_count(8)
    return page


def times(page: Page) -> list[str]:
    return page.locator(f"{CARD} strong").all_inner_texts()


def playing_at(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video').currentTime"))


def until(page: Page, expression: str) -> None:
    """Wait until this JavaScript is true; the page's policy forbids the browser to evaluate it by itself."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def wait_until_played(page: Page, seconds: float) -> None:
    until(page, f"document.querySelector('video')?.currentTime >= {seconds}")


def serious_faults(page: Page) -> list[str]:
    """What keeps people with a screen reader, or weak eyes, out."""
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{each['id']}: {each['nodes']}" for each in found if each["impact"] in ("serious", "critical")]


# ---- what is shown


def test_local_day_has_its_recordings_in_order(shown: Page) -> None:
    assert times(shown) == [
        "02:00:00", "02:00:00", "07:00:00", "07:30:00", "13:00:00", "14:00:00", "19:00:00", "23:00:00",
    ]  # fmt: skip
    assert "8 recordings" in shown.locator("#summary").inner_text()
    assert shown.locator(f"{CARD} strong").first.get_attribute("title") == "2017-10-29 00:00:00 UTC"


def test_recording_after_local_midnight_is_on_the_next_day(shown: Page) -> None:
    shown.keyboard.press("]")
    expect(shown.locator(CARD)).to_have_count(1)
    assert times(shown) == ["00:30:00"]
    shown.keyboard.press("[")
    expect(shown.locator(CARD)).to_have_count(8)


def test_names_are_text(shown: Page) -> None:
    assert shown.locator("#timeline .name").first.evaluate("element => element.textContent") == NASTY
    assert shown.locator("script:not([src])").count() == 0


def test_a_camera_whose_folder_is_away_is_said(context: BrowserContext, cameras: Cameras) -> None:
    """Its disk is not mounted, or the folder was renamed: cameras.js still has its line."""
    page = context.new_page()  # the browser itself complains of files that are missing
    said = cameras.root / "page" / "cameras.js"
    before = said.read_text("ascii")
    said.write_text(before + 'pynvr.camera({"name": "street", "path": "old"});\n', "ascii")
    try:
        page.goto(f"{(cameras.root / 'index.html').as_uri()}#2017-10-29")
        expect(page.locator(CARD)).to_have_count(8)
        expect(page.locator("#timeline .name")).to_have_count(2)
        assert page.locator("select[name=camera] option").count() == 3  # all, and two
        told = page.locator("#summary").inner_text()
        assert told.endswith("folder cannot be read: street")
        assert f"stopped: {NASTY.split()[0]}" in told
        # one that goes away while the page is open is said as well, and what it had stays
        yard = cameras.root / "yard"
        yard.rename(yard.with_name("unmounted"))
        try:
            page.evaluate("pynvr.loadDays(true)")
            page.select_option("select[name=camera]", "yard")
            expect(page.locator("#summary")).to_contain_text("folder cannot be read: <script>")
            expect(page.locator("#timeline .name")).to_have_count(1)
        finally:
            yard.with_name("unmounted").rename(yard)
    finally:
        said.write_text(before, "ascii")


def test_cameras_are_in_order_and_told_apart(page: Page, tmp_path: Path) -> None:
    """Recorders that start in the same second are in any order in cameras.js."""
    for path, name in (("c", "gate 10"), ("b", "gate 9"), ("e", "yard"), ("d", "yard")):
        (tmp_path / path).mkdir()
        site = Site(tmp_path / path)
        site.install(name, tmp_path)
        site.reconcile([])
        site.write_now({"state": "watching", "recording": None, "alive": "2999-10-30T00:00:00+00:00"})
    page.goto((tmp_path / "index.html").as_uri())
    expect(page.locator("#timeline .name")).to_have_text(["gate 9", "gate 10", "yard (d)", "yard (e)"])


def test_calendar_leads_to_days_with_recordings(shown: Page) -> None:
    shown.click("#day")
    marked = shown.locator(".month button.some")
    assert marked.all_inner_texts() == ["29", "30"]
    assert "recordings in" in (marked.first.get_attribute("aria-label") or "")
    shown.click(".month button[data-day='2017-10-30']")
    expect(shown.locator(CARD)).to_have_count(1)
    expect(shown.locator("#calendar")).to_be_hidden()


def test_pictures_are_loaded(shown: Page) -> None:
    for number in range(8):
        image = shown.locator(f"{CARD} img").nth(number)
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("naturalWidth", 160)


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("camera", "yard", 6),
        ("from", "13", 4),
        ("to", "8", 4),
        ("length", "30", 0),
        ("motion", "0.6", 6),
        ("only", "damaged", 1),
        ("only", "kept", 0),
    ],
)
def test_filters(shown: Page, name: str, value: str, count: int) -> None:
    shown.select_option(f"select[name={name}]", value)
    expect(shown.locator(CARD)).to_have_count(count)


def test_zoomed_time_line_shows_its_recordings_only(shown: Page) -> None:
    canvas = shown.locator("#timeline canvas").first
    box = canvas.bounding_box()
    assert box is not None
    shown.mouse.move(box["x"] + 2, box["y"] + 10)
    for _ in range(8):
        shown.mouse.wheel(0, -100)
    expect(shown.locator(CARD)).to_have_count(2)
    shown.keyboard.press("0")
    expect(shown.locator(CARD)).to_have_count(8)


LABELS = """
window.labels = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, left, top) {
  const right = left + this.measureText(text).width;
  window.labels.push([left, right, this.canvas.clientWidth]);
  write.call(this, text, left, top);
};
"""


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
@pytest.mark.parametrize("width", [390, 800, 1400])
def test_hours_do_not_overlap(browser: Browser, cameras: Cameras, locale: str, width: int) -> None:
    with browser.new_context(locale=locale, viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        page.add_init_script(LABELS)
        page.goto(f"{(cameras.root / 'index.html').as_uri()}#2017-10-29")
        until(page, "window.labels.length > 0")
        labels = page.evaluate("window.labels")
    assert all(right <= width for _, right, width in labels)
    overlapping = [pair for pair in pairwise(labels) if pair[0][0] < pair[1][0] < pair[0][1]]
    assert overlapping == []


def test_strip_follows_the_pointer(shown: Page) -> None:
    frame = shown.locator(f"{CARD} .picture").first
    box = frame.bounding_box()
    assert box is not None
    places = []
    for share in (0.1, 0.9):
        shown.mouse.move(box["x"] + share * box["width"], box["y"] + 20)
        places.append(shown.locator("img.strip").evaluate("image => image.style.transform"))
    assert places == ["translateX(0%)", "translateX(-75%)"]
    shown.mouse.move(0, 0)
    expect(shown.locator("img.strip")).to_have_count(0)


# ---- playing


def test_playing_begins_with_the_trigger(shown: Page) -> None:
    shown.locator(CARD).first.click()
    wait_until_played(shown, 5.2)
    assert playing_at(shown) < 12
    shown.keyboard.press(" ")
    until(shown, "document.querySelector('video').paused")
    shown.evaluate("document.querySelector('video').currentTime = 15")
    until(shown, "!document.querySelector('video').seeking")
    grey = shown.evaluate(
        "(() => { const canvas = document.createElement('canvas'); canvas.width = canvas.height = 1;"
        "const pen = canvas.getContext('2d'); pen.drawImage(document.querySelector('video'), 0, 0, 1, 1);"
        "try { return pen.getImageData(0, 0, 1, 1).data[0] } catch { return -1 } })()"
    )
    assert grey == -1 or abs(grey - 168) < 12  # from the disk a browser does not let the pixels be read


def test_keys_lead_through_a_night(shown: Page) -> None:
    told = shown.locator("#told")
    shown.locator(CARD).nth(2).click()
    expect(told).to_contain_text("07:00:00")
    shown.keyboard.press("ArrowRight")
    expect(told).to_contain_text("behind · 07:30:00")
    shown.keyboard.press("ArrowUp")
    expect(told).to_contain_text("07:00:00")
    shown.keyboard.press("ArrowDown")
    expect(told).to_contain_text("behind · 07:30:00")
    shown.keyboard.press("ArrowLeft")
    expect(told).to_contain_text("07:00:00")
    shown.keyboard.press("Escape")
    expect(shown.locator("#player")).to_be_hidden()
    expect(shown.locator(CARD).nth(2)).to_be_focused()


def test_keyboard_alone_is_enough(shown: Page) -> None:
    shown.keyboard.press("ArrowRight")
    expect(shown.locator(CARD).first).to_be_focused()
    shown.keyboard.press("Enter")
    wait_until_played(shown, 5.1)
    shown.keyboard.press("Escape")
    shown.keyboard.press("?")
    expect(shown.locator("#keys")).to_be_visible()


def test_file_that_no_browser_plays_is_a_slow_film(shown: Page) -> None:
    shown.locator(CARD).filter(has_text="recovered").click()
    expect(shown.locator("#stage")).to_contain_text("Browsers cannot play .avi files")
    expect(shown.locator("#stage img.strip")).to_be_visible()
    with shown.expect_download() as download:
        shown.keyboard.press("d")
    assert download.value.suggested_filename == "video_2017-10-29T130000.avi"


# ---- access


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(page: Page, cameras: Cameras, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{(cameras.root / 'index.html').as_uri()}#2017-10-29")
    expect(page.locator(CARD)).to_have_count(8)
    page.click("#day")
    serious = [
        found
        for found in Axe().run(page, options={"preload": False}).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert serious == []
    page.click("#day")
    page.locator(CARD).first.click()
    wait_until_played(page, 5.1)
    serious = [
        found
        for found in Axe().run(page, options={"preload": False}).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert serious == []
