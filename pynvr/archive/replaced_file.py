"""Small files that are replaced as a whole, so that no reader sees half of one."""

import logging
from pathlib import Path

from pynvr.archive import fsync

log = logging.getLogger(__name__)

OTHERS = "somebody else writes it too; give each recorder a file of its own"


def replace_file(path: Path, content: bytes, mode: int | None = None, durable: bool = False) -> None:
    """Write a file and rename it into place; raises OSError.

    `mode`: its permissions; None: as the umask has them. `durable`: wait until it is on the disk.
    """
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    if mode is not None:
        part.chmod(mode)
    if durable:
        fsync.move(part, path)
    else:
        part.replace(path)


class ReplacedFile:
    """A file that is replaced again and again. A refusal of the disk is logged once, until it works again."""

    def __init__(self, path: Path, complaint: str, mode: int | None = None, durable: bool = False) -> None:
        """`complaint` is the message to log, with a %s for the error; the rest is as `replace_file` has it.

        A missing folder is made, but not for a durable file: that is in the archive, whose disk may be away.
        """
        self._path, self._complaint = path, complaint
        self._mode, self._durable = mode, durable
        self._refused = self._shared = False
        self._written: bytes | None = None

    def write(self, content: bytes) -> bool:
        """Replace the file; return False if the disk refuses. Warn once if somebody else has written it."""
        try:
            if self._written is not None and not self._shared and self._path.exists():
                self._shared = self._path.read_bytes() != self._written
                if self._shared:
                    log.warning(self._complaint, OTHERS)
            if not self._durable:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, content, self._mode, self._durable)
        except OSError as error:
            log.log(logging.DEBUG if self._refused else logging.WARNING, self._complaint, error)
            self._refused = True
            return False
        self._refused, self._written = False, content
        return True
