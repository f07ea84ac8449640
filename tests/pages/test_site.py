"""The files of the page say what the index says, whatever happened in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynvr.archive.entry import Known
from pynvr.archive.index import Index
from pynvr.pages import page as page_module
from pynvr.pages.day import Day, Gap, Row, row_of
from pynvr.pages.page import ArchivePage
from pynvr.pages.site import Site

UTC = timezone.utc
MORNING = datetime(2017, 4, 2, 6, 30, 0, 950_000, tzinfo=UTC)


def line(trigger: datetime = MORNING, name: str | None = None, **more: object) -> dict[str, Any]:
    file = name or f"{trigger:%Y-%m-%d}/video_{trigger:%Y-%m-%dT%H%M%S}.mp4"
    times = {"first_frame_s": 95.0, "trigger_s": 100.0, "last_frame_s": 125.5}
    return {"file": file, "trigger_utc": trigger.isoformat(), **times, "peak_changed_px": 4000, **more}


def entry(*arguments: Any, **more: Any) -> Known:
    return msgspec.convert(line(*arguments, **more), Known)


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Known]:
    """Make a recording's file of 100 bytes and return its line of the index."""

    def make(*arguments: Any, **more: Any) -> Known:
        made = entry(*arguments, **more)
        file = tmp_path / made.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(100))
        return made

    return make


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.install("front door", None)
    return made


def day(root: Path, name: str = "2017-04-02") -> Day:
    return Day.read(root / "days" / f"{name}.js", name)


def days(root: Path) -> dict[str, list[int]]:
    text = (root / "page" / "days.js").read_text()
    return json.loads(text.removeprefix("pynvr.days(").removesuffix(");\n"))


def now(root: Path) -> dict[str, Any]:
    text = (root / "page" / "now.js").read_text()
    return json.loads(text.removeprefix("pynvr.now(").removesuffix(");\n"))


# ---- rows


def made(recording: Known) -> Row:
    row = row_of(recording, 1, kept=False)
    assert row is not None
    return row


def test_row_says_what_the_index_says() -> None:
    more = {"recovered": True, "picture": "x.jpg", "strip": "x.strip.jpg", "strip_s": [1.0] * 7}
    row = row_of(entry(**more), 5_000_000, kept=True)
    assert row == Row(entry().file, 23400.9, 5.0, 30.5, 5_000_000, 4000, 1 | 2 | 16, 7)


def test_where_the_trigger_is_in_a_copied_file() -> None:
    assert made(entry(trigger_in_file_s=6.2)).before_s == 6.2


@pytest.mark.parametrize(
    "spoilt",
    [
        {"trigger_utc": "2017-04-02T06:30:00"},
        {"trigger_utc": 5},
        {"trigger_utc": "soon"},
        {"trigger_s": None},
        {"trigger_utc": "0001-01-01T00:00:00+05:00"},
        {"first_frame_s": "x"},
        {"peak_changed_px": "x"},
        {"peak_changed_px": -1},
        {"strip_s": 5},
        {"trigger_in_file_s": []},
        {"file": "x" * 5000},
        {"file": 5},
        {"file": "video_2017-04-02T063000.mp4/in a file"},
    ],
    ids=str,
)
def test_spoilt_lines_are_left_out(
    site: Site, record: Any, tmp_path: Path, spoilt: dict[str, object]
) -> None:
    record(name="video_2017-04-02T063000.mp4")
    record(MORNING + timedelta(hours=1))
    index = Index(tmp_path / "recordings.jsonl")
    for each in (line() | spoilt, {}, line(MORNING + timedelta(hours=1))):
        index.append(each)
    site.reconcile(index.each())
    assert len(day(tmp_path).rows) == 1


@given(name=st.text(min_size=1).filter(lambda text: "\0" not in text and not text.isspace()))
def test_any_name_comes_back_as_it_was(name: str) -> None:
    given_day = Day("2017-04-02", {name: Row(name, 1.0, 0.0, 1.0, 1, 1, 0, 0)}, [Gap(0.0, 1.0, "off")])
    script = given_day.script()
    assert script.isascii() and script.count("\n") == 1  # U+2028 would end a line of it
    content = json.loads(script.removeprefix("pynvr.day(").removesuffix(");\n"))
    assert content["rows"][0][0] == name


def test_usual_names_are_not_written_out(tmp_path: Path) -> None:
    rows = [made(entry(MORNING + timedelta(minutes=number))) for number in range(100)]
    script = Day("2017-04-02", {row.name: row for row in rows}).script()
    assert script.count("2017-04-02") == 2
    (tmp_path / "x.js").write_text(script)
    assert Day.read(tmp_path / "x.js", "2017-04-02").rows == {row.name: row for row in rows}


# ---- the site


def test_closing_and_removing(site: Site, record: Any, tmp_path: Path) -> None:
    first, second = record(), record(MORNING + timedelta(days=1, hours=2))
    site.add(first)
    site.add(second)
    assert days(tmp_path) == {"2017-04-02": [1, 1 << 6], "2017-04-03": [1, 1 << 8]}
    site.remove([first.file])
    assert days(tmp_path) == {"2017-04-03": [1, 1 << 8]}
    assert not (tmp_path / "days" / "2017-04-02.js").exists()


def test_only_the_day_that_changed_is_written(site: Site, record: Any, tmp_path: Path) -> None:
    site.reconcile([record(), record(MORNING + timedelta(days=1))])
    before = (tmp_path / "days" / "2017-04-02.js").stat().st_ino
    site.add(record(MORNING + timedelta(days=1, hours=1)))
    assert (tmp_path / "days" / "2017-04-02.js").stat().st_ino == before


def test_reconciling_makes_good_what_a_crash_left_out(site: Site, record: Any, tmp_path: Path) -> None:
    lines = [record(MORNING + timedelta(minutes=number)) for number in range(5)]
    for line in lines[:4]:
        site.add(line)
    (tmp_path / "days" / "2016-01-01.js").write_text(Day("2016-01-01", {"x": Row("x", *[1] * 7)}).script())
    Site(tmp_path).reconcile(lines[1:])  # the first was removed, the last is not there yet
    assert list(day(tmp_path).rows) == [line.file for line in lines[1:]]
    assert days(tmp_path) == {"2017-04-02": [4, 1 << 6]}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "pynvr.day(",
        "pynvr.day({});\n",
        "pynvr.day([1]);\n",
        "\xff\0" * 99,
        "[" * 100_000,
        *(
            json.dumps({"folder": "", "suffix": ".mp4", "rows": [["", *row]], "gaps": gaps})
            for row, gaps in [
                (["x", 0, 1, 1, 1, 0, 0], []),
                ([1e300, 0, 1, 1, 1, 0, 0], []),
                ([-5, 0, 1, 1, 1, 0, 0], []),
                ([5, 0, None, 1, 1, 0, 0], []),
                ([5, 0, 1, "1", 1, 0, 0], []),
                ([5, 0, 1, 1, 1, 0], []),
                ([5, 0, 1, 1, 1, 0, 0], [["x", 5, "off"]]),
                ([5, 0, 1, 1, 1, 0, 0], [[1, 5]]),
                ([5, 0, 1, 1, 1, 0, 0], [[1, 5, 7]]),
            ]
        ),
    ],
)
def test_spoilt_day_is_made_anew(site: Site, record: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "days" / "2017-04-02.js").write_text(content)
    site.reconcile([record()])
    assert len(day(tmp_path).rows) == 1


def test_day_that_comes_twice_in_the_index(site: Site, record: Any, tmp_path: Path) -> None:
    lines = [record(), record(MORNING + timedelta(days=1)), record(MORNING + timedelta(minutes=5))]
    for _ in range(2):
        site.reconcile(lines)
        assert len(day(tmp_path).rows) == 2


def test_gap_over_midnight(site: Site, tmp_path: Path) -> None:
    begin = datetime(2017, 4, 2, 23, 0, tzinfo=UTC)
    site.note_gap(begin, begin + timedelta(hours=26), "lost")
    assert [day(tmp_path, f"2017-04-0{number}").gaps for number in (2, 3, 4)] == [
        [Gap(82800.0, 86400.0, "lost")],
        [Gap(0.0, 86400.0, "lost")],
        [Gap(0.0, 3600.0, "lost")],
    ]


def test_kept_recordings(site: Site, record: Any, tmp_path: Path) -> None:
    line = record()
    (tmp_path / line.file).with_suffix(".keep").touch()
    site.add(line)
    assert day(tmp_path).rows[line.file].flags == 1


def test_all_cameras_on_one_page(tmp_path: Path) -> None:
    names = [f"camera {number} </script>\u2028" for number in range(8)]

    def install(name: str, number: int) -> None:
        (tmp_path / str(number)).mkdir()
        for _ in range(3):  # each is started again, too
            Site(tmp_path / str(number)).install(name, tmp_path)

    threads = [threading.Thread(target=install, args=(name, number)) for number, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "page" / "cameras.js").read_text("ascii").splitlines()
    told = [json.loads(line.removeprefix("pynvr.camera(").removesuffix(");")) for line in lines]
    assert sorted(told, key=lambda camera: camera["path"]) == [
        {"name": name, "path": str(number)} for number, name in enumerate(names)
    ]


def test_page_is_small_and_loads_nothing_from_elsewhere(site: Site, tmp_path: Path) -> None:
    files = [tmp_path / "index.html", *(tmp_path / "page").iterdir()]
    assert sum(path.stat().st_size for path in files) < 60_000
    for path in files:
        assert "://" not in path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "innerHTML" not in path.read_text("utf-8")
    policy = "default-src 'none'; script-src 'self'; style-src 'self'"
    assert policy in (tmp_path / "index.html").read_text()


# ---- the thread


def test_page_follows_the_recorder(tmp_path: Path, record: Any) -> None:
    before, after, gone = (
        record(),
        record(MORNING + timedelta(minutes=1)),
        record(MORNING + timedelta(minutes=2)),
    )
    with ArchivePage(tmp_path, "front door", None, lambda: [before, gone]) as page:
        page.state("recording", after.file)
        page.closed(line(MORNING + timedelta(minutes=1)))
        page.removed([gone.file])
    assert list(day(tmp_path).rows) == [before.file, after.file]
    last = now(tmp_path)
    assert last["state"] == "stopped" and last["recording"] is None


def test_time_without_a_camera_is_a_gap(tmp_path: Path) -> None:
    with ArchivePage(tmp_path, "front door", None, list) as page:
        page.state("watching", None)
        page.state("connecting", None)
        page.state("connecting", None)
        page.state("watching", None)
    (gap,) = day(tmp_path, f"{datetime.now(UTC):%Y-%m-%d}").gaps
    assert gap.kind == "lost"


def test_time_without_a_recorder_is_a_gap(tmp_path: Path) -> None:
    site, alive = Site(tmp_path), datetime.now(UTC) - timedelta(minutes=10)
    site.install("front door", None)
    site.write_now({"state": "watching", "recording": None, "alive": alive.isoformat()})
    with ArchivePage(tmp_path, "front door", None, list):
        pass
    gaps = [gap for path in (tmp_path / "days").iterdir() for gap in day(tmp_path, path.stem).gaps]
    assert {gap.kind for gap in gaps} == {"off"}
    assert sum(gap.to_s - gap.from_s for gap in gaps) == pytest.approx(600, abs=5)


@pytest.mark.parametrize("alive", ["yesterday", 5, None, [], "2017-04-02T06:30:00"], ids=str)
def test_spoilt_word_of_the_last_recorder_is_no_gap(tmp_path: Path, record: Any, alive: object) -> None:
    site = Site(tmp_path)
    site.install("front door", None)
    site.write_now({"state": "watching", "recording": None, "alive": alive})
    with ArchivePage(tmp_path, "front door", None, lambda: [record()]):
        pass
    assert now(tmp_path)["state"] == "stopped"
    assert [len(day(tmp_path, path.stem).gaps) for path in (tmp_path / "days").glob("*.js")] == [0]


@pytest.mark.parametrize("alive", ["1970-01-01T00:00:00+00:00", "0001-01-01T00:00:00+05:00"])
def test_a_clock_that_was_not_set_leaves_few_days(tmp_path: Path, alive: str) -> None:
    site = Site(tmp_path)
    site.install("front door", None)
    site.write_now({"state": "watching", "recording": None, "alive": alive})
    with ArchivePage(tmp_path, "front door", None, list):
        pass
    assert 100 <= len(list((tmp_path / "days").glob("*.js"))) <= 101


def test_a_clock_that_was_not_set_hides_no_recordings(tmp_path: Path, record: Any) -> None:
    """Somebody has watched until the newest recording, whatever the last recorder's clock said."""
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
    entry = record(ended - timedelta(seconds=20))
    entry.last_frame_utc = ended
    site = Site(tmp_path)
    site.install("front door", None)
    site.write_now({"state": "watching", "recording": None, "alive": "1970-01-01T00:05:00+00:00"})
    with ArchivePage(tmp_path, "front door", None, lambda: [entry]):
        pass
    gaps = [gap for path in (tmp_path / "days").iterdir() for gap in day(tmp_path, path.stem).gaps]
    assert sum(gap.to_s - gap.from_s for gap in gaps) == pytest.approx(1200, abs=5)


def test_a_clock_that_is_set_makes_no_gap_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a battery starts in 1970, and finds its camera when it has been told the time."""

    class Clock(datetime):
        shown = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)

        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return cls.shown

    monkeypatch.setattr("pynvr.pages.page.datetime", Clock)
    with ArchivePage(tmp_path, "front door", None, list) as page:
        page.state("connecting", None)
        Clock.shown = datetime(2017, 4, 2, 6, 30, tzinfo=UTC)
        page.state("watching", None)
    gaps = [gap for path in (tmp_path / "days").glob("*.js") for gap in day(tmp_path, path.stem).gaps]
    assert sum(gap.to_s - gap.from_s for gap in gaps) < 5


def test_disk_that_refuses_costs_the_page_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "page").write_text("in the way")
    with ArchivePage(tmp_path, "front door", None, list) as page:
        page.closed(line())
        page.removed(["video_2017-04-02T063000.mp4"])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ARCHIVE_PAGE" in caplog.text


@pytest.mark.parametrize("limit", [1, 1000], ids=["queue is full", "queue has room"])
def test_a_disk_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(page_module, "QUEUE_LIMIT", limit)
    monkeypatch.setattr(page_module, "STOPPING_S", 0.05)
    hangs, answers = threading.Event(), threading.Event()

    def entries() -> list[Any]:
        hangs.set()
        answers.wait(30)
        return []

    with ArchivePage(tmp_path, "front door", None, entries) as page:
        assert hangs.wait(10)
        page.removed(["fills the queue"])
    assert not answers.is_set()
    answers.set()
    page._thread.join(10)
    assert not page._thread.is_alive()
