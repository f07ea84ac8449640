"""`--check`: try out everything that a recording needs, print what was found, record nothing."""

import math
import shutil
from collections.abc import Sequence
from datetime import datetime, timezone

import numpy as np

from pynvr.archive.archive import Archive
from pynvr.archive.closing import convert
from pynvr.archive.names import TRIAL_PREFIX, beside
from pynvr.errors import CameraError, RecordingError
from pynvr.media.codecs import parameter_sets
from pynvr.media.frame import DEFAULT_FPS, Encoding, Frame, Gap
from pynvr.media.packet import Recordable
from pynvr.media.picture_watch import BLACK, PictureWatch
from pynvr.recording.copying import PacketPart
from pynvr.recording.encoding import EncodedPart
from pynvr.recording.open_recording import Part
from pynvr.recording.orders import Write
from pynvr.settings import Settings
from pynvr.sources.base import PacketSource, Source

TRIAL_FRAMES = 10


def check(settings: Settings, source: Source, archive: Archive, packets: PacketSource | None = None) -> None:
    """Decode a frame that shows something, write and read back a trial file; print what was found.

    Raises CameraError or RecordingError at the first thing that does not work.
    """
    frame = first_frame(source)
    height, width = frame.image.shape[:2]
    claims = "claims " if source.live else ""
    print(f"camera    {source.name}: {width}x{height}, {claims}{source.nominal_fps:g} frames/s")
    free = shutil.disk_usage(archive.root).free / 1e9
    if packets is not None:
        _copy(settings, archive, packets)
        print(f"archive   {archive.root}: written and read back, {free:.1f} GB free")
        apart_s = key_frames_apart(source, packets)
        told = "further apart than could be waited for" if apart_s is None else f"{apart_s:.1f} s apart"
        print(f"key frames {told}: a recording begins up to so much before its pre-alarm")
    else:
        _encode(settings, archive, frame)
        kind = f"{settings.FOURCC_CODEC} in {settings.OUTPUT_FILES_EXTENSION}"
        print(f"archive   {archive.root}: {kind} written and read back, {free:.1f} GB free")
        seconds, limit_mb = settings.PRE_ALARM_RECORDING_SECONDS, settings.PRE_ALARM_MEMORY_LIMIT_MB
        raw_mb = seconds * source.nominal_fps * frame.encoded(Encoding.I420).nbytes / 2**20
        print(
            f"pre-alarm {seconds:g} s would take {raw_mb:.0f} MB raw; with PRE_ALARM_MEMORY_LIMIT_MB = "
            f"{limit_mb:g} it is kept {'raw' if raw_mb <= limit_mb else 'as JPEG'}"
        )
    print("all is well; nothing was recorded")


def _encode(settings: Settings, archive: Archive, frame: Frame) -> None:
    suffix, rate = settings.OUTPUT_FILES_EXTENSION, settings.OUTPUT_FRAME_RATE
    part = EncodedPart(settings.FOURCC_CODEC, suffix, rate, frame)
    _record(archive, part, [frame] * TRIAL_FRAMES, DEFAULT_FPS)


def _copy(settings: Settings, archive: Archive, packets: PacketSource) -> None:
    first = packets.first(settings.CAMERA_OPEN_TIMEOUT_SECS + settings.CAMERA_READ_TIMEOUT_SECS)
    stream, codec = first.stream, first.stream.codec
    part = PacketPart(settings.OUTPUT_FILES_EXTENSION, first)
    heard = f" with sound ({stream.sound.codec_context.name})" if stream.sound is not None else ""
    size = f"{stream.width}x{stream.height}"
    print(f"recording {packets.name}: {size} {codec.name}{heard}, copied into {part.facts['suffix']}")
    sets = stream.parameter_sets or parameter_sets(codec, first.data.tobytes())
    if codec.parameter_sets and not sets:
        raise RecordingError(f"{packets.name}: its parameter sets are missing; nobody could decode it")
    _record(archive, part, [first], stream.nominal_fps)


def key_frames_apart(source: Source, packets: PacketSource) -> float | None:
    """Seconds between two key packets; None if the source ends or is stopped before there are two."""
    before_s: float | None = None
    for _ in source:  # sets the pace: `until` never waits
        for item in packets.until(math.inf):
            if isinstance(item, Gap):
                before_s = None
            elif item.key and before_s is not None:
                return item.time - before_s
            elif item.key:
                before_s = item.time
    return None


def _record(archive: Archive, part: Part, frames: Sequence[Recordable], fps: float) -> None:
    """Make and remove a trial recording, in the same way as a real one."""
    stem = archive.new_stem(datetime.now(timezone.utc), prefix=TRIAL_PREFIX)
    path, final = beside(stem, f".part{part.facts['part_suffix']}"), beside(stem, part.facts["suffix"])
    try:
        part.open(path, fps)
        for frame in frames:
            part.write(Write(frame))
        part.close()
        times = [number / fps for number in range(len(frames))]
        convert(path, final, part.facts | {"nominal_fps": fps}, times)
    finally:
        for left in stem.parent.glob(f"{stem.name}.*"):
            left.unlink()
        archive.remove_if_empty(stem.parent)


def first_frame(source: Source) -> Frame:
    """A frame of the source; raises CameraError if there is none.

    A camera that shows black or repeats one picture gets more time. Raises CameraError if it goes on so until
    a running recorder would call it a fault, or until the source is stopped.
    """
    watch = PictureWatch()
    first = last = before = None
    for frame in source:
        if not isinstance(frame, Frame):
            before = None  # another connection is decoded anew, so its picture differs a little
            continue
        shows = int(frame.image.max()) > BLACK
        if not source.live or (shows and before and not np.array_equal(before.image, frame.image)):
            return frame
        first, last, before = first or frame, frame, frame
        watch.see(frame.image, frame.time)
        if watch.fault is not None:
            break
    if first is None or last is None:
        raise CameraError(f"camera {source.name}: no picture came")
    if last is first:
        return first
    shown = watch.fault or ("black" if int(last.image.max()) <= BLACK else "all the same")
    raise CameraError(
        f"camera {source.name}: its pictures are {shown} for {last.time - first.time:.0f} s; is the lens "
        "covered? If not, this OpenCV may be unable to decode them"
    )
