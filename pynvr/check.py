"""`--check`: try out everything that a recording will need, say what was found, record nothing."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone

from pynvr.archive import Archive
from pynvr.clip import Clip
from pynvr.errors import CameraError
from pynvr.frame import Frame, Source
from pynvr.settings import Settings

TRIAL_FRAMES = 10


def check(settings: Settings, source: Source, archive: Archive) -> None:
    """Decode a frame, write and read back a trial file in the archive; print what was found.

    Raises CameraError or RecordingError at the first thing that does not work.
    """
    frame = first_frame(source)
    height, width = frame.image.shape[:2]
    rate = f"claims {source.nominal_fps:g} frames/s" if source.live else f"{source.nominal_fps:g} frames/s"
    print(f"camera    {source.name}: {width}x{height}, {rate}")
    write_and_read_back(settings, archive, frame)
    free = shutil.disk_usage(archive.root).free / 1e9
    print(
        f"archive   {archive.root}: {settings.FOURCC_CODEC} in {settings.OUTPUT_FILES_EXTENSION} "
        f"written and read back, {free:.1f} GB free"
    )
    raw_mb = settings.PRE_ALARM_RECORDING_SECONDS * source.nominal_fps * frame.nbytes / 2**20
    kept = "raw" if raw_mb <= settings.PRE_ALARM_MEMORY_LIMIT_MB else "as JPEG"
    print(
        f"pre-alarm {settings.PRE_ALARM_RECORDING_SECONDS:g} s would take {raw_mb:.0f} MB raw; "
        f"with PRE_ALARM_MEMORY_LIMIT_MB = {settings.PRE_ALARM_MEMORY_LIMIT_MB:g} it is kept {kept}"
    )
    print("all is well; nothing was recorded")


def first_frame(source: Source) -> Frame:
    """The first frame of a source; raises CameraError where there is none."""
    for frame in source:
        if isinstance(frame, Frame):
            return frame
    raise CameraError(f"camera {source.name}: no picture came")


def write_and_read_back(settings: Settings, archive: Archive, frame: Frame) -> None:
    """Make and remove a trial recording of a picture, the way a real one is made."""
    stem = archive.new_stem(datetime.now(timezone.utc), prefix="trial")
    trial = stem.with_name(stem.name + settings.OUTPUT_FILES_EXTENSION)
    clip = Clip(trial, settings.FOURCC_CODEC, 25.0)
    try:
        for number in range(TRIAL_FRAMES):
            clip.write(frame.image, number / 25.0)
        clip.close()
    finally:
        for path in stem.parent.glob(f"{stem.name}.*"):
            path.unlink()
        archive.remove_if_empty(stem.parent)
