"""What the tests of the archive share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pynvr.archive.archive import Archive


@pytest.fixture
def archive(archive_path: Path) -> Iterator[Archive]:
    archive = Archive(archive_path, lambda utc: f"{utc:%Y}")
    archive.open()
    yield archive
    archive.close()
