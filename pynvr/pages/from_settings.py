"""The page of the archive, if the settings ask for one."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from pynvr.archive.archive import Archive
from pynvr.errors import SettingsError
from pynvr.pages.page import ArchivePage
from pynvr.settings import Settings


def make_page(settings: Settings, archive: Archive) -> ArchivePage | None:
    """The page, if there is to be one. Raises SettingsError if PAGE_ROOT is not above the archive."""
    if not settings.ARCHIVE_PAGE:
        return None
    above = settings.PAGE_ROOT
    if above is not None and not archive.root.resolve().is_relative_to(above.resolve()):
        raise SettingsError(
            f"PAGE_ROOT = {str(above)!r} has to be a folder above the archive, "
            f"PATH_FOR_VIDEO = {str(archive.root)!r}: the page links to the recordings in it"
        )
    camera = settings.CAMERA_NAME or archive.root.name
    return ArchivePage(archive.root, camera, above, archive.index.each)


def open_page(
    settings: Settings, archive: Archive, stack: ExitStack
) -> list[Callable[[Mapping[str, Any]], object]]:
    """Keep the archive's page up to date until the stack unwinds; return who is to be told of each status."""
    page = make_page(settings, archive)
    if page is None:
        return []
    stack.enter_context(page)
    archive.on_closed.append(page.closed)
    archive.on_removed.append(page.removed)
    archive.on_kept.append(page.kept)
    return [page.status]
