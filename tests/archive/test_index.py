"""The index: whole lines whatever stands in them, read by others while it is written."""

from __future__ import annotations

import json
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pynvr.archive import index as index_module
from pynvr.archive.archive import Archive
from pynvr.archive.entry import Known
from pynvr.archive.index import Index

ODD_NAMES = ["a\u2028b/c.mp4", "a\u0085b.mp4", "a\x1cb.mp4", "a\nb.mp4", "a\rb.mp4", 'a"b\\c.mp4', "Tür.mp4"]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "recordings.jsonl")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_name_tears_a_line(index: Index, name: str) -> None:
    for file in ("before.mp4", name, "after.mp4"):
        index.append({"file": file})
    assert [entry.file for entry in index.each()] == ["before.mp4", name, "after.mp4"]
    assert index.has(name)
    assert index.remove({"before.mp4"})
    assert index.remove({name})
    assert list(index.each()) == [Known("after.mp4")]


SPOILT = [b"\x00\x00\x00\n", b"[" * 100_000 + b"\n", b"null\n", b"\xff\xfe\n", b"\n", b'{"file": ["x"]}\n']


@pytest.mark.parametrize("spoilt", SPOILT, ids=["NUL", "nested", "null", "not UTF-8", "empty", "odd type"])
def test_spoilt_lines_stay_and_harm_nobody(index: Index, spoilt: bytes) -> None:
    index.append({"file": "a.mp4"})
    with index.path.open("ab") as file:
        file.write(spoilt)
    index.append({"file": "b.mp4"})
    assert index.remove({"b.mp4"})
    assert index.path.read_bytes().endswith(spoilt)
    assert next(index.each()) == Known("a.mp4")
    assert not index.has("b.mp4")


WHOLE = {
    "file": "2017-04-02/video_2017-04-02T132017.mp4", "id": "20170402T132042000",
    "trigger_utc": "2017-04-02T13:20:17.000+00:00", "first_frame_utc": "2017-04-02T13:20:12.000+00:00",
    "last_frame_utc": "2017-04-02T13:20:42.000+00:00", "first_frame_s": 95, "trigger_s": 100.0,
    "last_motion_s": 115.0, "last_frame_s": 125.5, "frames": 500, "fps": 19.98, "width": 640, "height": 480,
    "peak_changed_px": 4000, "peak_s": 101.0, "strip": "x.strip.jpg", "strip_s": [1.0, 2.5], "dropped": 1,
    "of later versions": {"a": [None]},
}  # fmt: skip
BY_HAND = {
    "text": "x", "a number in quotes": "5", "null": None, "a list": [], "an object": {},
    "infinite": float("inf"), "huge": 1e300, "true": True, "a long number": 10**400,
}  # fmt: skip


@pytest.mark.parametrize("value", BY_HAND.values(), ids=BY_HAND)
@pytest.mark.parametrize(
    "name", [name for name in Known.__struct_fields__ if isinstance(WHOLE.get(name), int | float)]
)
def test_a_number_spoilt_by_hand_is_skipped_and_said_once(
    index: Index, name: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    for entry in (WHOLE, WHOLE | {"file": "spoilt.mp4", name: value}, WHOLE | {"file": "after.mp4"}):
        index.append(entry)
    for _ in range(2):
        assert [entry.file for entry in index.each()] == [WHOLE["file"], "after.mp4"]
    assert next(index.each()) == msgspec.convert(WHOLE, Known)
    assert [record.getMessage().split(": ", 1)[1][:7] for record in caplog.records] == ["1 lines"]


def test_what_follows_the_last_removed_line_is_copied_as_it_is(index: Index) -> None:
    index.path.write_bytes(b'{"file":"a"}\n{"file" :  "b"}\n  {"file":"a"}\n{"torn')
    assert index.remove({"a"})
    assert index.path.read_bytes() == b'{"file" :  "b"}\n  {"file":"a"}\n{"torn'


def test_a_line_that_is_being_written_is_not_read_yet(index: Index) -> None:
    index.append({"file": "a"})
    with index.path.open("ab") as file:
        file.write(b'{"file": "b"}')
    ((end, line),) = index.lines()
    assert json.loads(line) == {"file": "a"}
    with index.path.open("ab") as file:
        file.write(b"\n")
    assert [json.loads(line) for _, line in index.lines(end)] == [{"file": "b"}]


def test_somebody_who_mends_the_index_meanwhile_loses_nothing(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.append({"file": "a"})

    def mended(*_: object) -> None:
        index.path.write_text('{"file": "mended by hand"}\n')

    monkeypatch.setattr("shutil.copyfileobj", mended)
    assert not index.remove({"a"})
    assert list(index.each()) == [Known("mended by hand")]
    assert [path.name for path in index.path.parent.iterdir()] == ["recordings.jsonl"]


def test_who_listens_is_told_and_cannot_stop_it(tmp_path: Path, logged_errors: list[str]) -> None:
    heard: list[Any] = []

    def deaf(news: object) -> None:
        raise ZeroDivisionError

    archive = Archive(tmp_path, None)
    archive.on_closed += [deaf, heard.append]
    archive.on_removed += [deaf, heard.append]
    archive.add(tmp_path / "a.mp4", {"frames": 3})
    archive.remove({"a.mp4"})
    entry, removed = heard
    assert entry == {"file": "a.mp4", "frames": 3, "id": entry["id"]}
    assert removed == {"a.mp4"}
    assert list(archive.index.each()) == []
    assert len(logged_errors) == 2


# ---- ids


def test_ids_are_unique_and_rise_whatever_the_clock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        hour = 12

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2017, 4, 2, cls.hour, tzinfo=tz)

    monkeypatch.setattr(index_module, "datetime", Clock)
    index = Index(tmp_path / "recordings.jsonl")
    given = [index.new_id(), index.new_id()]
    index.append({"file": "a.mp4", "id": given[-1]})
    for spoilt in ("spoilt", "20179999T999999999", "99991231T235959999", None):
        index.append({"file": "b.mp4", "id": spoilt})
    monkeypatch.setattr(Clock, "hour", 3)
    again = Index(index.path)
    given += [again.new_id(), again.new_id()]
    after = Index(tmp_path / "empty.jsonl")
    after.go_on_after(given[-1])
    given.append(after.new_id())
    assert given == sorted(set(given))
    assert given[0] == "20170402T120000000"
    assert all(index_module.ID.fullmatch(each) for each in given)
