"""Warns if other users can read the settings' passwords, or write files that are executed here."""

import logging
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pynvr.redaction import long_secrets_of
from pynvr.settings.fields import ADDRESSES, Settings
from pynvr.settings.loading import OVERRIDES_NAME

log = logging.getLogger(__name__)


def settings_files(config: ModuleType, override_file: Path | None) -> list[Path]:
    """The files that are executed to read the settings."""
    defaults = Path(config.__file__ or "")
    files = [defaults, defaults.with_name(OVERRIDES_NAME), *([override_file] if override_file else [])]
    return [path for path in files if path.is_file()]


def warn_of_strangers(settings: Settings, files: Sequence[Path], cam_argument: str | None) -> None:
    """Log a warning for each file that others can write, or read although it holds a secret of an address.

    Warn of `cam_argument`, too: the camera's address on the command line, which others can see.
    """
    secrets = {secret for name in ADDRESSES for secret in long_secrets_of(getattr(settings, name) or "")}
    for path in files:
        file, folder = path.stat(), path.resolve().parent
        mode = folder.stat().st_mode
        writable = {
            path: file.st_mode & stat.S_IWOTH or file.st_uid not in (0, os.geteuid()),
            folder: mode & stat.S_IWOTH and not mode & stat.S_ISVTX,  # if set, others cannot replace files
        }
        for place, by_others in writable.items():
            if by_others:
                log.warning("%s is executed as settings, and others can write %s: chmod o-w", path, place)
        text = path.read_text(errors="replace") if secrets and file.st_mode & stat.S_IROTH else ""
        if any(secret in text for secret in secrets):
            log.warning("%s holds a password and everybody can read it: chmod o-r", path)
    if cam_argument is not None and long_secrets_of(cam_argument):
        log.warning("--cam holds a password that everybody here can see (ps): put it into a settings file")
