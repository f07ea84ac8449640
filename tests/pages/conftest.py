"""An archive of two cameras, and a browser to look at it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from page_cameras import CHROMIUM, LONG_DAY, OPTIONS, Cameras, film
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


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
