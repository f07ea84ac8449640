"""The settings, read once at the start from the files and the command line, and frozen from then on."""

import __future__

import difflib
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pynvr import redaction
from pynvr.errors import SettingsError
from pynvr.settings.fields import ADDRESSES, TYPES, Settings, checked, conflicts

OVERRIDES_NAME = "machine_specific_configuration.py"

INSTALLED = ("share", "pynvr", "config.py")
"""Where pip puts config.py, below the environment's folder."""

ConfigLoader = Callable[[], ModuleType]
"""Imports config.py, which imports the machine's own file of settings."""


def load(
    config: ModuleType, override_file: Path | None = None, arguments: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings from config.py, then `override_file`, then the command line's `arguments`.

    Raises SettingsError with one line for every fault found.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    for namespace in (vars(config), _run(override_file) if override_file else {}, arguments or {}):
        known, strange = _known_values(namespace)
        values |= known
        faults += strange
    redaction.know(str(values[name]) for name in ADDRESSES if values.get(name))
    if values.get("OUTPUT_FILES_EXTENSION", "") is None:
        values["OUTPUT_FILES_EXTENSION"] = ".mp4" if values.get("RECORDING_MODE") == "copy" else ".avi"
    good, more_faults = checked(values)
    faults += more_faults
    if not more_faults:
        root = Path(config.__file__ or ".").resolve().parent
        paths = {name: root / value for name, value in good.items() if isinstance(value, Path)}
        settings = Settings(**good | paths)
        faults += conflicts(settings)
    if faults:
        raise SettingsError("wrong settings:\n" + "\n".join(f"  {fault}" for fault in faults))
    return settings


def installed_defaults() -> ModuleType:
    """The defaults of a pynvr that pip has installed, for a run in the current directory.

    Its paths start there, as those of config.py start at its own folder in a checkout.
    """
    from importlib import metadata  # takes a megabyte, which a checkout does not need

    installed = [file for file in metadata.files("pynvr") or () if file.parts[-3:] == INSTALLED]
    path = Path(str(installed[0].locate())) if installed else Path(__file__).parents[2] / "config.py"
    config = ModuleType("config")
    config.__file__ = str(Path.cwd() / "config.py")
    _execute(path, vars(config))
    return config


def import_config(load_config: ConfigLoader) -> ModuleType:
    """Import config.py with the overrides that it imports; raises SettingsError for a fault in them."""
    try:
        return load_config()
    except SyntaxError as error:
        name = Path(error.filename or "").name
        raise SettingsError(f"{name}, line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:  # whatever a user's Python file can raise
        raise SettingsError(f"{OVERRIDES_NAME}{_line(error, OVERRIDES_NAME)}: {_brief(error)}") from None


def _run(path: Path) -> dict[str, Any]:
    """Run a file of settings and return the names that it sets."""
    values: dict[str, Any] = {"__file__": str(path)}
    try:
        _execute(path, values)
    except OSError as error:
        raise SettingsError(f"--config {path}: {error.strerror or error}") from None
    except (Exception, SystemExit) as error:  # whatever a user's Python file can raise
        raise SettingsError(f"--config {path}{_line(error, path.name)}: {_brief(error)}") from None
    return values


def _line(error: BaseException, name: str) -> str:
    """Where in the user's file of this name an error came, as `, line 5`; empty if that is not known."""
    calls = [call for call in traceback.extract_tb(error.__traceback__) if Path(call.filename).name == name]
    line = calls[-1].lineno if calls else getattr(error, "lineno", None)
    return f", line {line}" if line else ""


def _execute(path: Path, values: dict[str, Any]) -> None:
    # as text, a remark on a name's type is noted at once, also from Python 3.14 on
    exec(compile(path.read_bytes(), path, "exec", __future__.annotations.compiler_flag), values)


def _known_values(namespace: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Split the names of a configuration file into settings and complaints about unknown names.

    A file may import modules and define helpers. A name counts as a setting
    if it is in capitals or resembles one that exists.
    """
    known = {name.lower(): name for name in TYPES}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in namespace.items():
        if name in TYPES:
            values[name] = value
        elif not name.startswith("_") and not isinstance(value, ModuleType):
            meant = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
            if meant:
                faults.append(f"{name}: no such setting; did you mean {known[meant[0]]}?")
            elif name.isupper():
                faults.append(f"{name}: no such setting; config.py lists all of them")
    for name in namespace.get("__annotations__", {}).keys() & TYPES.keys() - namespace.keys():
        faults.append(f"{name}: has no value; write {name} = …, not {name}: …")
    return values, faults


def _brief(error: BaseException) -> str:
    """An error in a user's file, in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
