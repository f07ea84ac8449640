"""Every setting with its type: which values are valid, and which go together.

The names are those that users write into their configuration files; the
defaults stand in config.py and nowhere else.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from pynvr.redaction import without_password

Seconds = Annotated[float, Meta(ge=0, le=86400)]
Timeout = Annotated[float, Meta(ge=0.5, le=300)]
Megabytes = Annotated[float, Meta(ge=1, le=1024 * 1024)]
Limit = Annotated[float, Meta(gt=0, le=1e9)]
Text = Annotated[str, Meta(min_length=1)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Polygon = Annotated[tuple[tuple[Fraction, Fraction], ...], Meta(min_length=3)]
Side = Annotated[int, Meta(ge=16, le=16384)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting by the name that config.py gives it, valid in itself and with the others."""

    cam: Text
    CAMERA_OPEN_TIMEOUT_SECS: Timeout
    CAMERA_READ_TIMEOUT_SECS: Timeout
    CAMERA_SIZE: tuple[Side, Side] | None
    scaleFrameTo: tuple[Side, Side] | None

    LOG_FILE_PATH: Path
    APP_LOG_LEVEL: Annotated[int, Meta(ge=0, le=100)]
    MAIN_LOG_FILE_MAX_SIZE: Annotated[int, Meta(ge=0)]
    LOG_BACKUPS_COUNT: Annotated[int, Meta(ge=1)]
    LOG_FORMAT: str
    LOG_TO_CONSOLE: bool

    STATUS_FILE_PATH: Path | None

    CAMERA_NAME: Text | None
    onEventFunc: Callable[[Any], object] | None
    ON_EVENT_COMMAND: tuple[str, ...] | None
    EVENT_TIMEOUT_SECS: Annotated[float, Meta(ge=0.1, le=3600)]
    MQTT_URL: Text | None
    MQTT_CA_FILE: Path | None
    METRICS_FILE_PATH: Path | None
    LATEST_PICTURE_PATH: Path | None
    ARCHIVE_PAGE: bool
    PAGE_ROOT: Path | None
    LATEST_PICTURE_SECS: Annotated[float, Meta(ge=0.1, le=86400)]

    armedFunc: Callable[[datetime], bool] | None
    ARMED_TIMES: tuple[Text, ...]

    MOTION_DETECTION_FPS: Annotated[float, Meta(ge=0.5, le=1000)] | None
    INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS: Seconds
    MINIMAL_MOTION_DURATION: Seconds
    PRE_ALARM_RECORDING_SECONDS: Seconds
    RECORDING_MAX_DURATION_SECS: Annotated[float, Meta(ge=10, le=1e9)]

    PATH_FOR_VIDEO: Path
    ARCHIVE_REQUIRE_MARKER: bool
    ARCHIVE_GROUP_READABLE: bool
    ARCHIVE_MAX_AGE_DAYS: Limit | None
    ARCHIVE_MAX_SIZE_GB: Limit | None
    ARCHIVE_MIN_FREE_GB: Limit | None
    subFolderNameGeneratorFunc: Callable[[datetime], str] | None
    RECORDING_MODE: Literal["encode", "copy"]
    RECORDING_CAM: Text | None
    RECORD_SOUND: bool
    FOURCC_CODEC: Literal["DIVX", "XVID", "mp4v", "MJPG"]
    OUTPUT_FILES_EXTENSION: Literal[".avi", ".mp4", ".ts", ".mkv"]
    OUTPUT_FRAME_RATE: Annotated[float, Meta(gt=0, le=1000)] | None

    PRE_ALARM_MEMORY_LIMIT_MB: Megabytes
    WRITER_QUEUE_LIMIT_MB: Megabytes
    CAMERA_QUEUE_LIMIT_MB: Megabytes

    MOTION_DETECTOR: Literal["robust", "classic"]
    MOTION_AREA_THRESHOLD: Annotated[int, Meta(ge=1)]
    MOTION_MASK: Path | None
    MOTION_REGIONS: tuple[Polygon, ...]
    GUARD_REFERENCE_SECS: Annotated[float, Meta(ge=0, le=10)]
    GUARD_SECOND_REFERENCE_SECS: Annotated[float, Meta(ge=0, le=10)]
    GUARD_EXPOSURE: bool
    GUARD_SURROUNDINGS: Annotated[int, Meta(ge=0, le=255)]
    GUARD_NOISE: Annotated[float, Meta(ge=0, le=100)]
    GUARD_HABITS: Annotated[float, Meta(ge=0, le=100)]
    GUARD_LIGHT_SWITCH: Fraction
    GUARD_DENSITY: Annotated[float, Meta(ge=0, lt=1)]
    GUARD_PERSISTENCE_SECS: Annotated[float, Meta(ge=0, le=2)]
    GUARD_ALIVE: Fraction
    GUARD_TRAVEL: Annotated[float, Meta(ge=0, le=100000)]

    DETECTION_WIDTH: Annotated[int, Meta(ge=16, le=4096)]
    NORMALIZE_CONTRAST: bool
    GAUSSIAN_BLUR_SIZE: Annotated[int, Meta(ge=1, le=99)]
    PIXEL_THRESHOLD: Annotated[int, Meta(ge=1, le=255)]
    DILATE_ITERATIONS: Annotated[int, Meta(ge=0, le=100)]
    ERODE_ITERATIONS: Annotated[int, Meta(ge=0, le=100)]


TYPES = {field.name: field.type for field in msgspec.structs.fields(Settings)}
ADDRESSES = ("cam", "RECORDING_CAM", "MQTT_URL")
"""Settings that may hold a password."""


def _camera(value: object) -> object:
    """Accept a local camera's number as well as its name."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _level(value: object) -> object:
    """Accept "INFO" as well as logging.INFO."""
    level = logging.getLevelName(value) if isinstance(value, str) else value
    if isinstance(level, str):
        raise ValueError("no such level; there are DEBUG, INFO, WARNING, ERROR and CRITICAL")
    return level


def _log_format(value: object) -> object:
    """Refuse a format or a field that logging does not know."""
    if isinstance(value, str):
        line = logging.LogRecord("", logging.INFO, "", 0, "", None, None)
        logging.Formatter(value).format(line)
    return value


def _odd(value: object) -> object:
    if isinstance(value, int) and value % 2 == 0:
        raise ValueError("has to be odd")
    return value


READ: Mapping[str, Callable[[object], object]] = {
    "cam": _camera,
    "APP_LOG_LEVEL": _level,
    "LOG_FORMAT": _log_format,
    "GAUSSIAN_BLUR_SIZE": _odd,
}
"""Functions that convert a value before its type is checked; they raise ValueError or TypeError."""


def checked(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Each setting's value in its type, and complaints about wrong values."""
    good: dict[str, Any] = {}
    faults: list[str] = []
    for name, wanted in TYPES.items():
        if name not in values:
            faults.append(f"{name}: has no value; config.py sets a default for it")
            continue
        try:
            value = READ[name](values[name]) if name in READ else values[name]
            good[name] = msgspec.convert(value, wanted, dec_hook=_own_type)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            faults.append(without_password(f"{name} = {values[name]!r}: {_explain(error, wanted)}"))
    return good, faults


def conflicts(settings: Settings) -> Iterator[str]:
    """Settings that do not go together."""
    copies, suffix = settings.RECORDING_MODE == "copy", settings.OUTPUT_FILES_EXTENSION
    if not copies and suffix in (".ts", ".mkv"):
        yield f'OUTPUT_FILES_EXTENSION = "{suffix}" goes with RECORDING_MODE = "copy" only'
    if copies and settings.OUTPUT_FRAME_RATE is not None:
        yield 'OUTPUT_FRAME_RATE: RECORDING_MODE = "copy" keeps the times as they are; set None'
    if not copies and settings.RECORDING_CAM is not None:
        yield 'RECORDING_CAM goes with RECORDING_MODE = "copy" only'
    if not copies and settings.RECORD_SOUND:
        yield 'RECORD_SOUND goes with RECORDING_MODE = "copy" only'
    if not copies and settings.FOURCC_CODEC == "MJPG" and suffix != ".avi":
        yield 'FOURCC_CODEC = "MJPG" goes with OUTPUT_FILES_EXTENSION = ".avi" only'
    if settings.armedFunc is not None and settings.ARMED_TIMES:
        yield "armedFunc and ARMED_TIMES both say when to record; set one of them"


def _own_type(wanted: Any, value: object) -> object:
    """Convert to a type that msgspec does not know: a path or a function."""
    if wanted is Path:
        if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
            raise ValueError("has to be a path")
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise ValueError(f"there is no home folder {Path(value).parts[0]}") from None
    if not callable(value):
        raise ValueError("has to be a function")
    return value


def _explain(error: Exception, wanted: Any) -> str:
    """Say what is wrong with a value, in Python's words instead of msgspec's JSON words."""
    message = str(error).replace("`", "").replace("array", "list").replace("null", "None")
    if message.startswith("Invalid enum value"):
        return f"has to be one of {', '.join(map(repr, get_args(wanted)))}"
    message, _, where = message.partition(" - at $")
    return f"{message[0].lower()}{message[1:]}" + (f" at {where}" if where else "")
