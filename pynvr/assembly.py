"""Puts a recorder together from the settings. Only here do encode mode and copy mode part.

Both have the same detector, events, writer thread, archive and closing step. Encode mode records the frames
that it watches. Copy mode records packets: those that it watches decoded, or those of a second connection.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from pynvr.archive.archive import Archive
from pynvr.archive.retention import Limits, Retention
from pynvr.demo import is_demo
from pynvr.errors import SettingsError
from pynvr.events import MotionEvents
from pynvr.media.opencv import fitted_size
from pynvr.notify.from_settings import Notifications
from pynvr.recording.armed_times import ArmedTimes
from pynvr.recording.arming import Arming
from pynvr.recording.base import Recorder
from pynvr.recording.copying import PacketPart
from pynvr.recording.encoding import EncodedPart, check_codec
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.frame_recorder import FrameRecorder
from pynvr.recording.open_recording import PartMaker
from pynvr.recording.packet_prealarm import PacketRing
from pynvr.recording.packet_recorder import PacketRecorder
from pynvr.recording.prealarm import PreAlarmRing
from pynvr.recording.writer import RecordingWriter
from pynvr.redaction import without_password
from pynvr.service import malloc
from pynvr.settings import Settings
from pynvr.sources.address import is_live
from pynvr.sources.base import PacketSource, Source
from pynvr.sources.camera import SNAPSHOT_S, LiveSource, Reduce
from pynvr.sources.films.place import film_place
from pynvr.sources.opening import Timeouts
from pynvr.sources.packet_camera import LivePackets
from pynvr.sources.packet_pictures import PacketPictures
from pynvr.sources.reader import AT_ONCE, ReadAhead

log = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
DEMO_SIZE = (640, 480)


@dataclass(frozen=True, slots=True)
class Mode:
    """What a mode records, and into which files."""

    make_part: PartMaker
    packets: PacketSource | None
    """None in encode mode."""


def choose(settings: Settings, stop: threading.Event, stack: ExitStack) -> Mode:
    """The mode that the settings ask for; raises SettingsError if it cannot record this camera.

    The stack closes the packets' connection when it unwinds.
    """
    if settings.RECORDING_MODE == "encode":
        malloc.keep_freed_pictures()
        check_codec(settings.FOURCC_CODEC)
        suffix, rate = settings.OUTPUT_FILES_EXTENSION, settings.OUTPUT_FRAME_RATE
        return Mode(partial(EncodedPart, settings.FOURCC_CODEC, suffix, rate), None)
    malloc.return_freed_pictures()
    packets = open_packets(settings, stop)
    stack.callback(packets.close)
    return Mode(partial(PacketPart, settings.OUTPUT_FILES_EXTENSION), packets)


def open_packets(settings: Settings, stop: threading.Event) -> PacketSource:
    """The source of packets; raises SettingsError if `cam` has none."""
    name, cam = "RECORDING_CAM", settings.RECORDING_CAM
    if cam is None:
        name, cam = "cam", settings.cam
    if is_demo(cam) or (is_live(cam) and "://" not in cam):
        raise SettingsError(
            f'RECORDING_MODE = "copy": {name} = {cam!r} has pictures, but no packets that could be copied; '
            'name a network camera or a file, or set "encode"'
        )
    film = film_place(cam, settings.CAMERA_OPEN_TIMEOUT_SECS, stop)
    if (film is None) != (film_place(settings.cam, settings.CAMERA_OPEN_TIMEOUT_SECS, stop) is None):
        raise SettingsError(
            f"RECORDING_CAM = {without_password(cam)!r}: cam and RECORDING_CAM have to be both "
            "network cameras or both files"
        )
    if film is not None:
        from pynvr.sources.films.packet_file import FilePackets  # brings 17 MB

        return FilePackets(film, stop, settings.OUTPUT_FILES_EXTENSION, settings.RECORD_SOUND)
    limit = round(settings.CAMERA_QUEUE_LIMIT_MB * MEBIBYTE)
    suffix, with_sound = settings.OUTPUT_FILES_EXTENSION, settings.RECORD_SOUND
    return LivePackets(cam, stop, limit, timeouts(settings), suffix, with_sound, cam == settings.cam)


def timeouts(settings: Settings) -> Timeouts:
    return Timeouts(settings.CAMERA_OPEN_TIMEOUT_SECS, settings.CAMERA_READ_TIMEOUT_SECS)


def make_writer(
    settings: Settings,
    mode: Mode,
    archive: Archive,
    live: bool,
    failed: Callable[[BaseException, str], None] = lambda error, thread: None,
) -> RecordingWriter:
    """The writer thread. The bounds of ring and queue are logged.

    `failed` is called with the reason and the thread's name when the thread fails.
    """
    ring_limit = round(settings.PRE_ALARM_MEMORY_LIMIT_MB * MEBIBYTE)
    # the queue has to take a full ring at once, and further frames beside it
    queue_limit = ring_limit + round(settings.WRITER_QUEUE_LIMIT_MB * MEBIBYTE)
    log.info(
        "memory for frames: %d MB at most for the pre-alarm, %d MB for what waits to be written",
        ring_limit // MEBIBYTE,
        queue_limit // MEBIBYTE,
    )
    limits = Limits(settings.ARCHIVE_MAX_AGE_DAYS, settings.ARCHIVE_MAX_SIZE_GB, settings.ARCHIVE_MIN_FREE_GB)
    sweep = Retention(archive, limits).sweep
    return RecordingWriter(archive, mode.make_part, queue_limit, live, sweep, failed)


def make_recorder(
    settings: Settings, mode: Mode, source: Source, writer: RecordingWriter, told: Notifications
) -> Recorder:
    """The recorder of the mode; `told` hears of its events."""

    def want(pictures: bool) -> None:
        if isinstance(source, LiveSource | PacketPictures):
            source.snapshots.want(SNAPSHOT_S if pictures else told.pictures_every_s)

    want(False)
    pictures = EventPictures(writer.keep, want, told.first_picture)
    ring_limit = round(settings.PRE_ALARM_MEMORY_LIMIT_MB * MEBIBYTE)
    seconds, hold_s = settings.PRE_ALARM_RECORDING_SECONDS, settings.MINIMAL_MOTION_DURATION
    longest_s = settings.RECORDING_MAX_DURATION_SECS
    packets = mode.packets
    if packets is None:
        frames = PreAlarmRing(seconds, ring_limit)
        return told.watch(FrameRecorder(frames, writer, pictures, hold_s, longest_s, source.nominal_fps))

    def later_s() -> float:  # time + lag is the same moment in two connections
        return 0.0 if isinstance(source, PacketPictures) else source.lag_s - packets.lag_s

    ring = PacketRing(seconds, ring_limit)
    return told.watch(PacketRecorder(ring, writer, pictures, packets, later_s, hold_s, longest_s))


def open_source(
    settings: Settings,
    stop: threading.Event,
    read_ahead: ReadAhead = AT_ONCE,
    reduce: Reduce | None = None,
    packets: PacketSource | None = None,
) -> Source:
    """The source that the setting `cam` names; raises CameraError for a file that cannot be read.

    `read_ahead` and `reduce` are those of `LiveSource`; `packets` are what is recorded in copy mode.
    """
    if isinstance(packets, LivePackets) and packets.watched is not None:
        return PacketPictures(packets, packets.watched, settings.scaleFrameTo, reduce)
    if is_demo(settings.cam):
        return _demo(settings, stop)
    film = film_place(settings.cam, settings.CAMERA_OPEN_TIMEOUT_SECS, stop)
    if film is None:
        limit = round(settings.CAMERA_QUEUE_LIMIT_MB * MEBIBYTE)
        fit_inside, size = settings.scaleFrameTo, settings.CAMERA_SIZE
        return LiveSource(settings.cam, stop, limit, timeouts(settings), fit_inside, read_ahead, reduce, size)
    from pynvr.sources.films.file import FileSource  # brings 17 MB

    return FileSource(film, stop, settings.scaleFrameTo)


def make_events(settings: Settings, live: bool, arming: Arming | None = None) -> MotionEvents:
    """The event rule; a file needs no time to settle."""
    hold_s = settings.MINIMAL_MOTION_DURATION
    warm_up_s = settings.INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS if live else 0.0
    if arming is None:
        return MotionEvents(hold_s, warm_up_s)
    return MotionEvents(hold_s, warm_up_s, lambda: arming.armed, arming.asked_to_record)


def make_arming(settings: Settings, archive: Archive) -> Arming:
    """What says whether motion counts; raises SettingsError for ARMED_TIMES that are no times."""
    times = ArmedTimes(settings.ARMED_TIMES) if settings.ARMED_TIMES else None
    return Arming(archive.root, settings.armedFunc or times)


def make_archive(settings: Settings) -> Archive:
    """The archive, not yet locked."""
    return Archive(
        settings.PATH_FOR_VIDEO, settings.subFolderNameGeneratorFunc, settings.ARCHIVE_REQUIRE_MARKER
    )


def open_archive(settings: Settings, stack: ExitStack) -> Archive:
    """The archive, locked until the stack unwinds; raises SettingsError or ArchiveError as `open` does."""
    archive = make_archive(settings)
    archive.open()
    stack.callback(archive.close)
    return archive


def _demo(settings: Settings, stop: threading.Event) -> Source:
    """The scene of `demo` or `demo:rain+lamp`; raises SettingsError for unknown weather."""
    from pynvr.demo.camera import DemoCamera  # 1.5 MB that no real camera needs
    from pynvr.demo.scene import DemoScene

    weather = settings.cam.partition(":")[2]
    try:
        size = fitted_size(DEMO_SIZE, settings.scaleFrameTo)
        return DemoCamera(DemoScene(size, weather=weather.split("+") if weather else ()), stop=stop)
    except ValueError as error:
        raise SettingsError(f"cam = {settings.cam!r}: {error}") from None
