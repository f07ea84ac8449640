"""The progress bar of a run that has an end, and lines written to the console beside it.

tqdm is imported where it is needed only: it brings 5 MB, and a service has no bar.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pynvr.media.frame import Frame, Gap
from pynvr.sources.base import Source


def with_progress(source: Source) -> Iterator[Frame | Gap]:
    """The source's frames, with a progress bar where there is an end and somebody to see it."""
    if source.live or not sys.stderr.isatty():
        return iter(source)
    from tqdm import tqdm

    return iter(tqdm(source, total=source.frame_count, unit=" frames"))


def write_line(line: str) -> None:
    """Write to the console without tearing a bar."""
    if "tqdm" not in sys.modules:
        sys.stderr.write(f"{line}\n")
        return
    from tqdm import tqdm

    tqdm.write(line, file=sys.stderr)
