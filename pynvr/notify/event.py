"""The events, and the form in which every receiver gets them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Literal, TypeAlias, get_args

from pynvr.archive.index import id_of
from pynvr.archive.journal import iso
from pynvr.errors import PynvrError
from pynvr.redaction import without_password

EventType: TypeAlias = Literal[
    "motion_started",
    "motion_ended",
    "recording_closed",
    "camera_lost",
    "camera_found",
    "cannot_record",
    "recording_again",
    "started",
    "stopped",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; docs/events.md has an example of each.

    In JSON all fields are present; null means that there is nothing to say.
    """

    type: EventType
    id: str
    """Unique. A recording's event has its id in the index. An event that is sent twice keeps its id."""
    camera: str
    """CAMERA_NAME, or the camera's address without its password."""
    time_utc: str
    """When it happened: ISO 8601 in UTC, with milliseconds. Of a recording: its last picture."""
    time_s: float | None = None
    """The same as the frame's time, seconds; None where no frame was involved."""
    message: str | None = None
    """The reason in words, if there is one."""
    file: str | None = None
    """Path of the recording."""
    picture: str | None = None
    """Path of a JPEG: of the moment of the motion, or the recording's best picture."""
    strip: str | None = None
    """Path of the recording's film strip, a JPEG."""
    recording: Mapping[str, object] | None = None
    """The recording's object in the index."""

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


TEXT_FIELDS = tuple(field.name for field in fields(Event) if field.name != "recording")
"""Fields that can be put into a command's arguments."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a receiver gets: an event, a picture, or both."""

    event: Event | None
    jpeg: bytes | None = None
    """The picture of the moment of the motion."""


class DeliveryError(PynvrError):
    """A receiver did not take an event; it is tried again."""


def happened(
    kind: EventType,
    camera: str,
    utc: datetime | None = None,
    time_s: float | None = None,
    message: str | None = None,
) -> Event:
    """An event of this moment, or of `utc`."""
    utc = utc or datetime.now(timezone.utc)
    text = None if message is None else without_password(message)
    return Event(kind, f"{id_of(utc)}-{kind}", camera, iso(utc), time_s, text)
