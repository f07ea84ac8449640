"""Every closed recording reaches every receiver, in order, whatever fails; what is about now expires."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import children, until
from test_hook import descriptors

from pynvr.archive import index as archive_index
from pynvr.notify import backlog, postman
from pynvr.notify.backlog import PREFIX, Cursor
from pynvr.notify.command import CommandReceiver
from pynvr.notify.event import EVENT_TYPES, DeliveryError, Event, Parcel, happened
from pynvr.notify.outbox import Outbox
from pynvr.notify.postman import Receiver
from pynvr.notify.watch import Condition


class Listener:
    """A receiver that notes what it takes; `refuse` says how often it does not."""

    uses_files = False

    def __init__(self, name: str = "listener", refuse: int = 0) -> None:
        self.name = name
        self.refuse = refuse
        self.taken: list[Event] = []
        self.closed = False

    def deliver(self, parcel: Parcel) -> None:
        if self.refuse > 0:
            self.refuse -= 1
            raise DeliveryError("not now")
        if parcel.event is not None:
            self.taken.append(parcel.event)

    def close(self) -> None:
        self.closed = True

    def ids(self) -> list[str]:
        return [event.id for event in self.taken if event.type == "recording_closed"]

    def types(self) -> list[str]:
        return [event.type for event in self.taken]


class Hanging(Listener):
    """Takes nothing until it is let go."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.go = threading.Event()

    def deliver(self, parcel: Parcel) -> None:
        self.go.wait(30)
        super().deliver(parcel)

    def close(self) -> None:
        self.go.set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postman, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(postman, "STOPPING_S", 0.5)


class Index:
    """An index that is written as an archive does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "recordings.jsonl"
        self.count = 0

    def add(self, *outboxes: Outbox, lines: int = 1) -> list[str]:
        ids = []
        with self.path.open("a") as file:
            for _ in range(lines):
                self.count += 1
                ids.append(f"20170402T{self.count:09d}")
                utc = "2017-04-02T13:20:42.000+00:00"
                entry = {"file": f"day/video_{self.count}.mp4", "last_frame_utc": utc, "id": ids[-1]}
                self.recording(ids[-1]).parent.mkdir(exist_ok=True)
                self.recording(ids[-1]).touch()
                file.write(json.dumps(entry) + "\n")
        for outbox in outboxes:
            for _ in range(lines):
                outbox.recording_closed()
        return ids

    def recording(self, given: str) -> Path:
        """The file of an id."""
        return self.root / f"day/video_{int(given[9:])}.mp4"

    def cut(self, keep: Callable[[dict[str, str]], bool]) -> None:
        """As retention does."""
        lines = self.path.read_text().splitlines(keepends=True)
        new = self.path.with_name("new")
        new.write_text("".join(line for line in lines if keep(json.loads(line))))
        new.replace(self.path)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path)


@contextmanager
def running(index: Index, *receivers: Receiver) -> Iterator[Outbox]:
    outbox = Outbox(receivers, index.root, archive_index.Index(index.path), "Front door")
    outbox.start()
    try:
        yield outbox
    finally:
        outbox.close()


def test_everybody_hears_everything_in_order(index: Index) -> None:
    one, other = Listener("one"), Listener("other")
    with running(index, one, other) as outbox:
        outbox.tell(happened("motion_started", "Front door"))
        ids = index.add(outbox)
        until(lambda: one.ids() == ids == other.ids(), 5, "the recording")
    assert one.types() == ["started", "motion_started", "recording_closed", "stopped"]
    assert sorted(other.types()) == sorted(one.types())
    assert one.closed


def test_what_waits_while_the_disk_is_away_follows_as_soon_as_it_is_back(
    index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    """Not only when the next recording is closed; and the log says once that the index is away."""
    listener = Listener()
    with running(index, listener) as outbox:
        index.add(outbox)
        until(lambda: len(listener.ids()) == 1, 5, "the recording before")
        (second,) = index.add()
        away = index.path.rename(index.path.with_name("away"))
        outbox.recording_closed()
        until(lambda: outbox.status()["listener"]["failed"] > 2, 5, "tries")
        away.rename(index.path)
        until(lambda: listener.ids()[1:] == [second], 5, "the recording that waited")
    assert caplog.text.count("the index cannot be read") == 1


def test_what_was_not_delivered_follows_after_a_restart(index: Index) -> None:
    listener = Listener(refuse=10**6)
    with running(index, listener) as outbox:
        ids = index.add(outbox, lines=3)
    assert listener.taken == []
    ids += index.add(lines=2)  # recovered before the outbox is there
    again = Listener()
    with running(index, again):
        until(lambda: again.ids() == ids, 5, "what is left")
    once_more = Listener()
    with running(index, once_more):
        pass
    assert once_more.ids() == []


def test_a_new_receiver_is_told_of_what_comes(index: Index) -> None:
    index.add(lines=5)
    listener = Listener()
    with running(index, listener) as outbox:
        ids = index.add(outbox)
        until(lambda: listener.ids() == ids, 5, "the new one")


@pytest.mark.parametrize("lines", [1, 7, 53, 150])
def test_a_long_backlog_is_delivered_whole_and_in_order(
    index: Index, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MOST", 50)
    listener = Listener(refuse=2)
    with running(index, listener) as outbox:
        ids = index.add(outbox, lines=lines)
        until(lambda: listener.ids() == ids, 20, "all")
        until(lambda: outbox.status()["listener"]["pending"] == 0, 5, "nothing to be left")


def test_retention_changes_nothing_about_the_others(index: Index) -> None:
    listener = Listener()
    with running(index, listener) as outbox:
        old = index.add(outbox, lines=4)
        until(lambda: listener.ids() == old, 5, "the old ones")
        listener.refuse = 5
        new = index.add(outbox, lines=4)
        index.cut(lambda entry: entry["id"] not in {*old, new[0]})
        outbox.recording_closed()
        until(lambda: listener.ids()[-1:] == new[-1:], 5, "the rest")
    assert [each for each in listener.ids() if each != new[0]] == old + new[1:]


class Copier(Listener):
    """Needs the file of a recording, as a copy elsewhere does; may be away when it is to copy one."""

    def __init__(self) -> None:
        super().__init__("copier")
        self.uses_files = True
        self.away = False
        self.tries = 0

    def deliver(self, parcel: Parcel) -> None:
        file = parcel.event.file if parcel.event is not None else None
        self.tries += file is not None
        if file is not None and (self.away or not Path(file).exists()):
            raise DeliveryError("cannot be copied")
        super().deliver(parcel)


def test_one_that_was_removed_holds_up_no_later_one(index: Index) -> None:
    copier = Copier()
    with running(index, copier) as outbox:
        copier.away = True
        first, gone, last = index.add(outbox, lines=3)
        until(lambda: copier.tries, 5, "it to be away")
        index.recording(gone).unlink()
        copier.away = False
        outbox.hurry("copier")
        until(lambda: copier.ids() == [first, last], 5, "the last one")
        assert outbox.status()["copier"]["expired"] == 1


def test_who_needs_no_file_is_told_of_removed_ones_too(index: Index) -> None:
    """As a broker that was away for a day."""
    copier = Copier()
    copier.uses_files = False
    with running(index, copier) as outbox:
        copier.away = True
        (gone,) = index.add(outbox, lines=1)
        until(lambda: copier.tries, 5, "it to be away")
        file = index.recording(gone)
        aside, tried = file.rename(file.with_name("aside")), copier.tries
        outbox.hurry("copier")
        until(lambda: copier.tries > tried + 1, 5, "further tries")
        copier.away = False
        aside.rename(file)
        outbox.hurry("copier")
        until(lambda: copier.ids() == [gone], 5, "it to be told")
        assert outbox.status()["copier"]["expired"] == 0


def test_a_disk_that_is_taken_off_loses_nothing(index: Index) -> None:
    copier = Copier()
    with running(index, copier) as outbox:
        copier.away = True
        ids = index.add(outbox, lines=2)
        until(lambda: copier.tries, 5, "it to be away")
        away, copier.away, tried = index.root.rename(index.root.with_name("away")), False, copier.tries
        outbox.hurry("copier")
        until(lambda: copier.tries > tried, 5, "a try without the disk")
        away.rename(index.root)
        outbox.hurry("copier")
        until(lambda: copier.ids() == ids, 5, "both")


def test_torn_and_strange_lines_are_left_out(index: Index) -> None:
    listener = Listener()
    with running(index, listener) as outbox:
        with index.path.open("ab") as file:
            file.write(b'{"file": "old.mp4"}\n[1]\nnull\n\xff\xfe\n{"id": "7"}\n{"file": "torn\n')
        ids = index.add(outbox)
        until(lambda: listener.ids() == ids, 5, "the whole line")


def test_one_that_hangs_holds_up_no_other(index: Index) -> None:
    hanging = [Hanging(f"hanging {number}") for number in range(5)]
    listener = Listener()
    with running(index, *hanging, listener) as outbox:
        outbox.tell(happened("motion_started", "Front door"))
        ids = index.add(outbox)
        until(lambda: "motion_started" in listener.types() and listener.ids() == ids, 1.0, "the other")
        assert outbox.status()["hanging 0"]["pending"] == 3


def test_what_is_about_now_expires_and_recordings_do_not(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "EXPIRES_S", 0.05)
    listener = Listener(refuse=10**6)
    with running(index, listener) as outbox:
        outbox.tell(happened("motion_started", "Front door"))
        ids = index.add(outbox)
        until(lambda: outbox.status()["listener"]["expired"] == 2, 5, "started and motion_started to expire")
        monkeypatch.setattr(postman, "EXPIRES_S", 60.0)
        listener.refuse = 0
        until(lambda: listener.ids() == ids, 5, "the recording")
        assert outbox.status()["listener"]["failed"] > 0
    assert listener.types() == ["recording_closed", "stopped"]


def test_more_than_fits_pushes_out_the_oldest(index: Index) -> None:
    hanging = Hanging("hanging")
    with running(index, hanging) as outbox:
        for number in range(postman.MOST_WAITING + 5):
            outbox.tell(happened("motion_started", str(number)))
        assert outbox.status()["hanging"] == {"pending": postman.MOST_WAITING, "failed": 0, "expired": 6}


def test_a_receiver_that_is_there_again_is_tried_at_once(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "FIRST_PAUSE_S", 30.0)
    listener = Listener(refuse=1)
    with running(index, listener) as outbox:
        until(lambda: outbox.status()["listener"]["failed"] == 1, 5, "the first try")
        outbox.hurry("listener")
        until(lambda: listener.types() == ["started"], 5, "the second try")


@pytest.mark.usefixtures("logged_errors")
def test_a_bug_in_a_receiver_ends_nothing(index: Index) -> None:
    class Buggy(Listener):
        def deliver(self, parcel: Parcel) -> None:
            if self.refuse:
                self.refuse -= 1
                raise KeyError("bug")
            super().deliver(parcel)

    buggy = Buggy(refuse=3)
    with running(index, buggy) as outbox:
        ids = index.add(outbox)
        until(lambda: buggy.ids() == ids, 5, "the recording")


def test_a_disk_that_refuses_the_cursor_delays_nothing(index: Index, tmp_path: Path) -> None:
    listener = Listener()
    with running(index, listener) as outbox:
        (tmp_path / f"{PREFIX}listener.part").mkdir()
        ids = index.add(outbox, lines=3)
        until(lambda: listener.ids() == ids, 5, "all")
    (tmp_path / f"{PREFIX}listener.part").rmdir()
    again = Listener()
    with running(index, again):
        until(lambda: again.ids() == ids, 5, "all again: at least once")


def test_a_cursor_is_kept(tmp_path: Path) -> None:
    older, newer = "20170402T000000007", "20170402T000000009"
    cursor = Cursor(tmp_path, "mqtt", older)
    cursor.move(newer)
    assert Cursor(tmp_path, "mqtt", older).id == newer
    assert Cursor(tmp_path, "other", older).id == older
    Cursor(tmp_path, "of nothing yet", "")
    assert Cursor(tmp_path, "of nothing yet", newer).id == ""


@pytest.mark.parametrize("spoilt", [b"\xff\xfe", b"garbage\n", b"99999999T999999999\n"])
def test_a_spoilt_cursor_does_not_silence_a_receiver(
    index: Index, tmp_path: Path, caplog: pytest.LogCaptureFixture, spoilt: bytes
) -> None:
    index.add(lines=2)
    (tmp_path / f"{PREFIX}listener").write_bytes(spoilt)
    listener = Listener()
    with running(index, listener) as outbox:
        ids = index.add(outbox)
        until(lambda: listener.ids() == ids, 5, "the new one")
    assert "is not understood" in caplog.text


@pytest.mark.parametrize("spoilt", ["spoilt", None, 7])
def test_a_spoilt_id_does_not_silence_a_receiver(index: Index, spoilt: object) -> None:
    listener = Listener()
    with running(index, listener) as outbox:
        with index.path.open("a") as file:
            file.write(json.dumps({"file": "video_0.mp4", "id": spoilt}) + "\n")
        outbox.recording_closed()
        ids = index.add(outbox)
        until(lambda: ids[0] in listener.ids(), 5, "the next one")
        ids += index.add(outbox)
        until(lambda: ids[1] in listener.ids(), 5, "the one after")
    assert listener.ids() == ids


def test_programs_that_hang_leave_nothing_behind(index: Index) -> None:
    gc.collect()  # what earlier tests have left is not to be closed meanwhile
    before, others = descriptors(), children()
    hanging = [CommandReceiver(["/bin/sh", "-c", "sleep 60 & sleep 60"], 0.3, index.root) for _ in range(5)]
    for number, receiver in enumerate(hanging):
        receiver.name = f"hanging {number}"
    listener = Listener()
    with running(index, *hanging, listener) as outbox:
        for _ in range(5):
            outbox.tell(happened("motion_started", "Front door"))
            ids = index.add(outbox)
            until(lambda: listener.ids()[-1:] == ids, 1.0, "the other")  # noqa: B023
        until(lambda: all(outbox.status()[each.name]["failed"] for each in hanging), 10, "the ends")
    assert not children() - others  # no zombie
    assert descriptors() == before


# ---- from the status to events


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (["watching", "recording", "watching"], []),
        (["connecting", "watching"], []),
        (["connecting", "connecting", "connecting", "watching"], ["camera_lost", "camera_found"]),
        (["watching", "connecting", "watching"], ["camera_lost", "camera_found"]),
        (["watching", "watching +1", "watching +1"], ["camera_lost", "camera_found"]),
        (["watching", "cannot record", "cannot record", "recording"], ["cannot_record", "recording_again"]),
        (["recording", "waiting for the disk", "recording"], ["cannot_record", "recording_again"]),
        (
            ["watching", "cannot record", "connecting", "watching"],
            ["cannot_record", "camera_lost", "camera_found", "recording_again"],
        ),
        (["watching", "stuck", "stopped"], ["cannot_record"]),
        (["watching", "connecting", "stopped"], ["camera_lost"]),
        (["watching", "connecting", "failed"], ["camera_lost"]),
        (["watching", "connecting", "stuck", "connecting"], ["camera_lost", "cannot_record"]),
        (["watching", "cannot record", "failed"], ["cannot_record"]),
    ],
)
def test_what_is_new_about_the_status_is_told(index: Index, states: list[str], told: list[str]) -> None:
    listener = Listener()
    with running(index, listener) as outbox:
        condition = Condition(outbox)
        for state in states:
            name, _, reconnects = state.partition(" +")
            condition({"state": name, "reconnects": int(reconnects or 0), "last_error": "why"})
    assert [kind for kind in listener.types() if kind not in ("started", "stopped")] == told
    reasons = {event.message for event in listener.taken if event.type in ("camera_lost", "cannot_record")}
    assert reasons <= {"why", "waiting for the disk", "stuck"}


# ---- the event


def test_the_event_of_a_recording_has_its_paths(tmp_path: Path) -> None:
    entry = {"file": "day/video_1.mp4", "id": "1", "picture": "day/video_1.jpg", "last_frame_s": 3.5,
             "last_frame_utc": "2017-04-02T13:20:17.042+00:00", "recovered": True}  # fmt: skip
    event = backlog.closed_event(entry, tmp_path, "rtsp://user:secret@host/")
    assert event.file == f"{tmp_path}/day/video_1.mp4"
    assert event.picture == f"{tmp_path}/day/video_1.jpg"
    assert event.strip is None
    assert event.time_s == 3.5
    assert "recovered" in (event.message or "")
    assert "secret" not in event.as_json()
    assert json.loads(event.as_json())["recording"] == entry


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/hostname", "link.jpg", "circle", "nul\0", "\ud800"])
def test_no_file_from_elsewhere_is_told_of(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (tmp_path / "secret.jpg").write_text("secret")
    (archive / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (archive / "circle").symlink_to("circle")
    entry = {"file": name, "id": "1", "picture": name, "strip": name}
    event = backlog.closed_event(entry, archive, "Front door")
    assert (event.file, event.picture, event.strip) == (None, None, None)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_events_have_one_form(kind: str) -> None:
    event = happened(kind, "Front door", message="rtsp://user:secret@host/ is away")  # type: ignore[arg-type]
    told = json.loads(event.as_json())
    assert list(told) == ["type", "id", "camera", "time_utc", "time_s", "message", "file", "picture", "strip",
                          "recording"]  # fmt: skip
    assert told["type"] == kind
    assert told["time_utc"].endswith("+00:00")
    assert "secret" not in event.as_json()
