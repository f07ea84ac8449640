"""The settings, checked once at the start and frozen from then on.

The names are those that users write into their configuration files; the
defaults stand in config.py and nowhere else.
"""

from __future__ import annotations

import difflib
import logging
import runpy
import stat
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from pynvr.errors import SettingsError
from pynvr.redaction import without_password
from pynvr.weather import KINDS

log = logging.getLogger(__name__)

OVERRIDES_NAME = "machine_specific_configuration.py"

Seconds = Annotated[float, Field(ge=0, le=86400)]
Megabytes = Annotated[float, Field(ge=1, le=1024 * 1024)]
AnyPath = Annotated[Path, BeforeValidator(lambda value: _path(value))]
Fraction = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[tuple[tuple[Fraction, Fraction], ...], Field(min_length=3)]
Size = tuple[Annotated[int, Field(ge=16, le=16384)], Annotated[int, Field(ge=16, le=16384)]]


def _known_weather(cam: str) -> str:
    """Refuse a drawn scene with weather that there is not."""
    kind, _, weather = cam.partition(":")
    unknown = [name for name in weather.split("+") if name not in KINDS] if kind == "demo" and weather else []
    if unknown:
        raise ValueError(f"no such weather: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    return cam


def _tuples(value: object) -> object:
    """Take lists as well as tuples, however deep."""
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def _camera(value: object) -> object:
    """Take a local camera's number as well as its name."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _level(value: object) -> object:
    """Take "INFO" as well as logging.INFO."""
    return logging.getLevelName(value) if isinstance(value, str) else value


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("has to be odd")
    return value


def _path(value: object) -> object:
    """Take text as well as a Path; ~ is the home folder."""
    if not isinstance(value, (str, Path)) or not str(value):
        raise ValueError("has to be a path")
    return Path(value).expanduser()


def _log_format(value: str) -> str:
    line = logging.LogRecord("", logging.INFO, "", 0, "", None, None)
    # raises ValueError on a format or a field that logging does not know
    logging.Formatter(value).format(line)
    return value


class Settings(BaseModel):
    """Every setting by the name that config.py gives it, valid in itself and with the others."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    cam: Annotated[str, BeforeValidator(_camera), AfterValidator(_known_weather), Field(min_length=1)]
    CAMERA_OPEN_TIMEOUT_SECS: Annotated[float, Field(ge=0.5, le=300)]
    CAMERA_READ_TIMEOUT_SECS: Annotated[float, Field(ge=0.5, le=300)]
    scaleFrameTo: Annotated[Size | None, BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]

    LOG_FILE_PATH: AnyPath
    APP_LOG_LEVEL: Annotated[int, BeforeValidator(_level), Field(ge=0, le=100)]
    MAIN_LOG_FILE_MAX_SIZE: Annotated[int, Field(ge=0)]
    LOG_BACKUPS_COUNT: Annotated[int, Field(ge=1)]
    LOG_FORMAT: Annotated[str, AfterValidator(_log_format)]
    LOG_TO_CONSOLE: bool

    STATUS_FILE_PATH: AnyPath | None

    MOTION_DETECTION_FPS: Annotated[float, Field(ge=0.5, le=1000)] | None
    INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS: Seconds
    MINIMAL_MOTION_DURATION: Seconds
    PRE_ALARM_RECORDING_SECONDS: Seconds
    RECORDING_MAX_DURATION_SECS: Annotated[float, Field(ge=10)]

    PATH_FOR_VIDEO: AnyPath
    ARCHIVE_REQUIRE_MARKER: bool
    ARCHIVE_MAX_AGE_DAYS: Annotated[float, Field(gt=0)] | None
    ARCHIVE_MAX_SIZE_GB: Annotated[float, Field(gt=0)] | None
    ARCHIVE_MIN_FREE_GB: Annotated[float, Field(gt=0)] | None
    subFolderNameGeneratorFunc: Callable[[datetime], str] | None
    RECORDING_MODE: Literal["encode", "copy"]
    RECORDING_CAM: Annotated[str, Field(min_length=1)] | None
    FOURCC_CODEC: Literal["DIVX", "XVID", "mp4v", "MJPG"]
    OUTPUT_FILES_EXTENSION: Literal[".avi", ".mp4", ".ts", ".mkv"]
    OUTPUT_FRAME_RATE: Annotated[float, Field(gt=0, le=1000)] | None

    PRE_ALARM_MEMORY_LIMIT_MB: Megabytes
    WRITER_QUEUE_LIMIT_MB: Megabytes
    CAMERA_QUEUE_LIMIT_MB: Megabytes

    MOTION_DETECTOR: Literal["robust", "classic"]
    MOTION_AREA_THRESHOLD: Annotated[int, Field(ge=1)]
    MOTION_MASK: AnyPath | None
    MOTION_REGIONS: Annotated[tuple[Polygon, ...], BeforeValidator(lambda value: _tuples(value))]
    GUARD_REFERENCE_SECS: Annotated[float, Field(ge=0, le=10)]
    GUARD_SECOND_REFERENCE_SECS: Annotated[float, Field(ge=0, le=10)]
    GUARD_EXPOSURE: bool
    GUARD_SURROUNDINGS: Annotated[int, Field(ge=0, le=255)]
    GUARD_NOISE: Annotated[float, Field(ge=0, le=100)]
    GUARD_HABITS: Annotated[float, Field(ge=0, le=100)]
    GUARD_LIGHT_SWITCH: Annotated[float, Field(ge=0, le=1)]
    GUARD_DENSITY: Annotated[float, Field(ge=0, lt=1)]
    GUARD_PERSISTENCE_SECS: Annotated[float, Field(ge=0, le=2)]
    GUARD_ALIVE: Annotated[float, Field(ge=0, le=1)]
    GUARD_TRAVEL: Annotated[float, Field(ge=0, le=100000)]

    DETECTION_WIDTH: Annotated[int, Field(ge=16, le=4096)]
    NORMALIZE_CONTRAST: bool
    GAUSSIAN_BLUR_SIZE: Annotated[int, Field(ge=1, le=99), AfterValidator(_odd)]
    PIXEL_THRESHOLD: Annotated[int, Field(ge=1, le=255)]
    DILATE_ITERATIONS: Annotated[int, Field(ge=0, le=100)]
    ERODE_ITERATIONS: Annotated[int, Field(ge=0, le=100)]

    @model_validator(mode="before")
    @classmethod
    def _usual_extension(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Where OUTPUT_FILES_EXTENSION is None it is the usual one of the mode."""
        if values.get("OUTPUT_FILES_EXTENSION", "") is not None:
            return values
        return values | {
            "OUTPUT_FILES_EXTENSION": ".mp4" if values.get("RECORDING_MODE") == "copy" else ".avi"
        }

    @model_validator(mode="after")
    def _mode_fits(self) -> Settings:
        copies = self.RECORDING_MODE == "copy"
        suffix = self.OUTPUT_FILES_EXTENSION
        if not copies and suffix in (".ts", ".mkv"):
            raise ValueError(f'OUTPUT_FILES_EXTENSION = "{suffix}" goes with RECORDING_MODE = "copy" only')
        if copies and self.OUTPUT_FRAME_RATE is not None:
            raise ValueError(
                'OUTPUT_FRAME_RATE: RECORDING_MODE = "copy" keeps the times as they are; set None'
            )
        if not copies and self.RECORDING_CAM is not None:
            raise ValueError('RECORDING_CAM goes with RECORDING_MODE = "copy" only')
        return self

    @model_validator(mode="after")
    def _codec_fits_container(self) -> Settings:
        if (
            self.RECORDING_MODE == "encode"
            and self.FOURCC_CODEC == "MJPG"
            and self.OUTPUT_FILES_EXTENSION != ".avi"
        ):
            raise ValueError('FOURCC_CODEC = "MJPG" goes with OUTPUT_FILES_EXTENSION = ".avi" only')
        return self


def load(
    config: ModuleType, override_file: Path | None = None, arguments: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings from config.py, then `override_file`, then the command line's `arguments`.

    Raises SettingsError with one line for every fault found.
    """
    values, faults = _known_values(vars(config))
    if override_file is not None:
        overrides, more_faults = _known_values(_run(override_file))
        values |= overrides
        faults += more_faults
    values |= arguments or {}
    root = Path(config.__file__ or ".").resolve().parent
    for name in ("LOG_FILE_PATH", "STATUS_FILE_PATH", "PATH_FOR_VIDEO", "MOTION_MASK"):
        if isinstance(values.get(name), (str, Path)) and values[name] != "":
            values[name] = root / Path(values[name]).expanduser()
    try:
        settings = Settings.model_validate(values)
    except ValidationError as invalid:
        faults += dict.fromkeys(_explain(error, values) for error in invalid.errors())
    if faults:
        raise SettingsError("wrong settings:\n" + "\n".join(f"  {fault}" for fault in faults))
    return settings


def warn_of_readable_password(settings: Settings, config: ModuleType, override_file: Path | None) -> None:
    """Log a warning for each file that everybody can read while the camera's address has a password."""
    cameras = f"{settings.cam} {settings.RECORDING_CAM}"
    if without_password(cameras) == cameras:
        return
    for path in (Path(config.__file__ or "").with_name(OVERRIDES_NAME), override_file):
        if path is not None and path.exists() and path.stat().st_mode & stat.S_IROTH:
            log.warning("%s may hold a camera's password and everybody can read it: chmod o-r", path)


def _run(path: Path) -> dict[str, Any]:
    """Run a file of settings and return the names that it sets."""
    try:
        return runpy.run_path(str(path))
    except OSError as error:
        raise SettingsError(f"--config {path}: {error.strerror or error}") from None
    except Exception as error:  # whatever a user's Python file can raise
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise SettingsError(f"--config {path}{line}: {brief(error)}") from None


def brief(error: Exception) -> str:
    """A user's fault in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _known_values(namespace: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Split what a configuration file sets into settings and complaints about unknown names.

    A file may import modules and define helpers; a name counts as a setting
    meant when it is in capitals or looks like one that exists.
    """
    known = {name.lower(): name for name in Settings.model_fields}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in namespace.items():
        if name in Settings.model_fields:
            values[name] = value
        elif not name.startswith("_") and not isinstance(value, ModuleType):
            meant = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
            if meant:
                faults.append(f"{name}: no such setting; did you mean {known[meant[0]]}?")
            elif name.isupper():
                faults.append(f"{name}: no such setting; config.py lists all of them")
    return values, faults


def _explain(error: ErrorDetails, values: Mapping[str, object]) -> str:
    """Say in one line what is wrong with a value, from pydantic's report of it."""
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:  # a rule about several settings, which names them itself
        return message
    name = str(error["loc"][0])
    if name not in values:
        return f"{name}: has no value; config.py sets a default for it"
    return without_password(f"{name} = {values[name]!r}: {message[0].lower()}{message[1:]}")
