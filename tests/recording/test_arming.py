"""When it is armed: by times, a function, files and words; and recordings that are asked for."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from running import until

from pynvr.errors import SettingsError
from pynvr.events import Change, MotionEvents
from pynvr.recording import arming as module
from pynvr.recording.armed_times import ArmedTimes
from pynvr.recording.arming import Arming, Rule

# ---- the times; 2017-04-03 was a Monday

NIGHTS = ["Mon-Fri 22:00-06:30", "Sat-Sun"]


@pytest.mark.parametrize(
    ("lines", "moment", "armed"),
    [
        (NIGHTS, "2017-04-03T21:59", False),
        (NIGHTS, "2017-04-03T22:00", True),
        (NIGHTS, "2017-04-03T00:00", False),  # Sunday's is over, Monday's has yet to begin
        (NIGHTS, "2017-04-04T06:29:59", True),
        (NIGHTS, "2017-04-04T06:30", False),
        (NIGHTS, "2017-04-07T23:00", True),
        (NIGHTS, "2017-04-08T12:00", True),
        (NIGHTS, "2017-04-09T23:59:59", True),
        (["22:00-06:00"], "2017-04-05T05:59", True),
        (["22:00-06:00"], "2017-04-05T12:00", False),
        (["Fri-Mon"], "2017-04-03T12:00", True),
        (["Fri-Mon"], "2017-04-04T12:00", False),
        (["Wed 10:00-12:00"], "2017-04-05T11:00", True),
        (["Wed 10:00-12:00"], "2017-04-06T11:00", False),
        (["Sun 22:00-06:00"], "2017-04-03T05:00", True),
        (["mon 00:00-24:00"], "2017-04-03T23:59", True),
        (["mon 18:00-24:00"], "2017-04-04T00:00", False),
        (["Tue 00:00-00:01"], "2017-04-04T00:00:59", True),
    ],
)
def test_times(lines: list[str], moment: str, armed: bool) -> None:
    assert ArmedTimes(lines)(datetime.fromisoformat(moment)) is armed


@pytest.mark.parametrize(
    "line",
    ["", "Mon-", "Mo-Fr 22:00-06:00", "Mon 22-6", "25:00-26:00", "10:60-11:00", "24:01-06:00",
     "Mon 10:00-10:00",
     "24:00-06:00", "Mon,Tue 10:00-12:00", "always", "22:00", "2200-0600"],
)  # fmt: skip
def test_times_that_are_none(line: str) -> None:
    with pytest.raises(SettingsError, match="ARMED_TIMES"):
        ArmedTimes([line])


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("day", [datetime(2017, 3, 25, 21, tzinfo=timezone.utc),
                                 datetime(2017, 10, 28, 20, tzinfo=timezone.utc)])  # fmt: skip
def test_the_night_in_which_the_clocks_are_set_has_no_hole(day: datetime) -> None:
    times = ArmedTimes(["22:00-06:30"])
    armed = [times((day + timedelta(minutes=minute)).astimezone()) for minute in range(16 * 60)]
    assert armed[0]  # 22:00 on the wall
    over = armed.index(False)
    assert not any(armed[over : over + 12 * 60 - (over > 9 * 60)])
    assert over == {3: 7.5, 10: 9.5}[day.month] * 60  # an hour less, or more, than eight and a half


# ---- the last word


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Rule | None], Arming]]:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)
    with ExitStack() as stack:

        def make(rule: Rule | None = None) -> Arming:
            return stack.enter_context(Arming(tmp_path, rule))

        yield make


def becomes(arming: Arming, armed: bool) -> None:
    until(lambda: arming.armed is armed, 5, f"armed to be {armed}")


Begin = Callable[..., Arming]


def test_words_and_files(begin: Begin, tmp_path: Path) -> None:
    arming = begin()
    assert arming.armed
    arming.say(False)
    becomes(arming, False)
    arming.say(True)
    becomes(arming, True)
    (tmp_path / ".disarmed").touch()
    becomes(arming, False)
    (tmp_path / ".disarmed").unlink()
    becomes(arming, True)
    (tmp_path / ".disarmed").touch()
    becomes(arming, False)
    arming.say(True)  # the last word
    becomes(arming, True)
    assert not (tmp_path / ".disarmed").exists()


def test_changes_are_told(begin: Begin, tmp_path: Path) -> None:
    told: list[bool] = []
    arming = Arming(tmp_path, None)
    arming.on_change = told.append
    with arming:
        arming.say(False)
        until(lambda: told == [True, False], 5, "both")


@pytest.mark.parametrize("word", [True, False])
def test_the_last_word_is_kept_over_a_restart(begin: Begin, tmp_path: Path, word: bool) -> None:
    rule = not word
    first = begin(lambda _: rule)
    first.say(word)
    becomes(first, word)
    until(lambda: (tmp_path / ".pynvr.armed").exists(), 5, "the file")
    first.__exit__()
    assert begin(lambda _: rule).armed is word


def test_the_rule_has_the_last_word_when_it_changes(begin: Begin, tmp_path: Path) -> None:
    now = {"armed": True}
    arming = begin(lambda _: now["armed"])
    arming.say(False)
    becomes(arming, False)
    now["armed"] = False
    until(lambda: not (tmp_path / ".pynvr.armed").exists(), 5, "the word to be over")
    now["armed"] = True
    becomes(arming, True)


@pytest.mark.parametrize(("hours", "armed"), [(0, False), (30, True)])
def test_a_word_of_before_the_rule_changed_twice_is_over(
    begin: Begin, tmp_path: Path, hours: float, armed: bool
) -> None:
    since = datetime.now(timezone.utc) - timedelta(hours=hours)
    (tmp_path / ".pynvr.armed").write_text(
        json.dumps({"armed": False, "rule": True, "utc": since.isoformat()})
    )
    now = datetime.now().astimezone()
    span = f"{now - timedelta(minutes=5):%H:%M}-{now + timedelta(minutes=5):%H:%M}"
    assert begin(ArmedTimes([span])).armed is armed


@pytest.mark.parametrize("spoilt", ["", "{}", "[]", "null", '{"armed": 1, "rule": 1, "utc": "then"}', "\0"])
def test_a_spoilt_word_is_none(begin: Begin, tmp_path: Path, spoilt: str) -> None:
    (tmp_path / ".pynvr.armed").write_text(spoilt)
    assert begin().armed


@pytest.mark.usefixtures("logged_errors")
def test_a_function_that_fails_arms(begin: Begin, logged_errors: list[str]) -> None:
    def fail(local: datetime) -> bool:
        raise ZeroDivisionError

    arming = begin(fail)
    time.sleep(0.1)
    assert arming.armed
    assert len(logged_errors) == 1


@pytest.mark.usefixtures("berlin")
def test_a_zone_that_is_set_meanwhile_counts_at_once(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    arming = begin(lambda local: local.utcoffset() == timedelta(hours=5.5))
    assert not arming.armed
    monkeypatch.setenv("TZ", "IST-5:30")
    until(lambda: arming.armed, 10, "the new zone")


def test_the_function_is_given_the_local_time(begin: Begin) -> None:
    asked: list[datetime] = []

    def rule(local: datetime) -> bool:
        asked.append(local)
        return True

    begin(rule)
    assert asked[0].tzinfo is not None
    assert abs(asked[0].replace(tzinfo=None) - datetime.now()) < timedelta(seconds=10)


# ---- recordings that are asked for


def test_the_file_asks_once(begin: Begin, tmp_path: Path) -> None:
    arming = begin()
    (tmp_path / ".record").touch()
    until(arming.asked_to_record, 5, "the request")
    assert not (tmp_path / ".record").exists()
    assert not arming.asked_to_record()


def test_disarmed_nothing_is_recorded_that_is_asked_for(
    begin: Begin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".disarmed").touch()
    arming = begin()
    arming.record()
    until(lambda: "not made" in caplog.text, 5, "the refusal")
    assert not arming.asked_to_record()


def test_a_request_expires(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_EXPIRES_S", -1.0)
    arming = begin()
    arming.record()
    until(lambda: arming._asked_at is not None, 5, "the request")
    assert not arming.asked_to_record()


def test_a_file_that_cannot_be_removed_is_not_obeyed_for_ever(
    begin: Begin, tmp_path: Path, logged_errors: list[str]
) -> None:
    (tmp_path / ".record").mkdir()
    arming = begin()
    until(lambda: logged_errors, 5, "the complaint")
    time.sleep(0.1)
    assert not arming.asked_to_record()
    assert len(logged_errors) == 1


def test_a_word_counts_also_where_the_file_cannot_be_removed(
    begin: Begin, tmp_path: Path, logged_errors: list[str]
) -> None:
    (tmp_path / ".disarmed").mkdir()
    arming = begin()
    assert not arming.armed
    arming.say(True)
    becomes(arming, True)
    assert "is ignored" in logged_errors[0]
    (tmp_path / ".disarmed").rmdir()
    for word in (False, True):
        arming.say(word)
        becomes(arming, word)
    (tmp_path / ".disarmed").touch()  # a new one
    becomes(arming, False)


# ---- the event rule


class Said(Arming):
    """Says what the test wants."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull), None)
        self.asked = False

    def asked_to_record(self) -> bool:
        asked, self.asked = self.asked, False
        return asked


def test_disarming_ends_at_once_and_arming_begins_at_once() -> None:
    said = Said()
    events = MotionEvents(10.0, 2.0, lambda: said.armed, said.asked_to_record)
    said.armed = False
    assert [events.update(0.5 * step, True) for step in range(6)] == [Change.NONE] * 6
    said.armed = True
    assert events.update(3.0, True) is Change.STARTED  # the warm-up went on
    assert events.update(3.5, True) is Change.PROLONGED
    said.armed = False
    assert events.update(4.0, True) is Change.ENDED
    assert events.update(4.5, True) is Change.NONE


def test_a_recording_that_is_asked_for_needs_no_motion_and_no_warm_up() -> None:
    said = Said()
    events = MotionEvents(1.0, 5.0, lambda: said.armed, said.asked_to_record)
    assert events.update(0.0, True) is Change.NONE
    said.asked = True
    assert events.update(0.5, False) is Change.STARTED
    assert events.update(1.0, False) is Change.NONE
    said.asked = True
    assert events.update(1.4, False) is Change.PROLONGED
    assert events.update(2.4, False) is Change.NONE
    assert events.update(2.5, False) is Change.ENDED
