"""Writes the picture of a motion into a file, for receivers that want a path."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from pynvr.archive.replaced_file import replace_file
from pynvr.notify.event import Event, Parcel

log = logging.getLogger(__name__)


def with_picture(parcel: Parcel, archive: Path, receiver: str) -> Event | None:
    """Return the parcel's event with the path of its picture's file, which the next motion replaces."""
    if parcel.event is None or parcel.jpeg is None:
        return parcel.event
    path = archive / f".pynvr.motion.{receiver}.jpg"
    try:
        replace_file(path, parcel.jpeg)
    except OSError as error:  # an alarm without its picture is better than none
        log.warning("%s cannot be written: %s", path, error)
        return parcel.event
    return replace(parcel.event, picture=str(path))
