"""The pictures of packets that are recorded: both sides hear of the same things in the same order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
import pytest
from recordings import MOMENT, numbered
from running import until

from pynvr.demo.frame_number import read_frame_number
from pynvr.detection.robust import RobustDetector
from pynvr.errors import SettingsError
from pynvr.media.codecs import H264, H265, MJPEG, CopyCodec
from pynvr.media.frame import Frame, Gap, Image
from pynvr.media.opencv import fitted_size
from pynvr.media.packet import Stream, TimedPacket
from pynvr.sources import packet_camera, pauses
from pynvr.sources.item_queue import ItemQueue
from pynvr.sources.opening import Timeouts
from pynvr.sources.packet_camera import LivePackets
from pynvr.sources.packet_pictures import PacketPictures
from pynvr.sources.picture_decoder import PictureDecoder
from pynvr.sources.times.burst import Reading

FPS = 25
SIZE = (320, 240)
ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}
READ_S = 2.0


def encoded(
    images: Sequence[Image], codec: CopyCodec = H264, kind: str = "yuv420p", begin: int = 0, **options: str
) -> list[TimedPacket]:
    """As a camera sends them: a second of pictures to a group; times are those of their numbers."""
    height, width = images[0].shape[:2]
    encoder = "libx264rgb" if kind == "rgb24" else ENCODERS[codec.ffmpeg_name]
    context = cast(av.VideoCodecContext, av.CodecContext.create(encoder, "w"))
    context.width, context.height, context.pix_fmt = width, height, kind
    context.time_base, context.gop_size, context.max_b_frames = Fraction(1, FPS), FPS, 0
    quiet = {"x265-params": "log-level=none"} if codec is H265 else {}
    context.options = {"preset": "ultrafast"} | quiet | options
    stream = Stream(codec, width, height, FPS, b"", 0.0)
    packets = []
    for number, image in [*enumerate(images), (0, None)]:
        given = None
        if image is not None:
            given = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=kind)
            given.pts = number
        for packet in context.encode(given):
            time = begin / FPS + (packet.pts or 0) / FPS
            data = np.frombuffer(bytes(packet), np.uint8)[None]
            utc = MOMENT + timedelta(seconds=time)
            packets.append(TimedPacket(data, packet.is_keyframe, time, utc, stream))
    return packets


@pytest.fixture(scope="module")
def sent() -> list[TimedPacket]:
    """Twenty seconds of numbered pictures."""
    return encoded([numbered(number, SIZE) for number in range(20 * FPS)])


class Camera:
    """Sends these packets at once; then it goes away, or sends nothing more until the reader is stopped."""

    nominal_fps = float(FPS)
    undecodable = 0
    begun = True
    lag_s = held_s = missing_s = 0.0

    def __init__(self, items: Sequence[TimedPacket], stop: threading.Event | None) -> None:
        self._items = iter(items)
        self._stop = stop

    def read(self) -> Reading[TimedPacket | None] | None:
        item = next(self._items, None)
        if item is not None:
            return Reading(item, item.nbytes, None)
        return Reading(None, 0, None) if self._stop is not None and self._stop.wait(10) else None

    def make(self, got: Reading[TimedPacket | None], arrival: float, index: int) -> Iterator[TimedPacket]:
        if got.content is not None:
            yield got.content

    def close(self) -> None: ...


def watched(packets: LivePackets) -> ItemQueue[TimedPacket]:
    assert packets.watched is not None
    return packets.watched


Watch = Callable[..., tuple[LivePackets, PacketPictures]]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Watch cameras that come one after the other: `watch(packets, more_packets, …)`."""
    monkeypatch.setattr(pauses, "FIRST_PAUSE_S", 0.01)
    stop = threading.Event()
    with ExitStack() as stack:

        def begin(
            *connections: Sequence[TimedPacket] | Exception, limit_bytes: int = 2**24
        ) -> tuple[LivePackets, PacketPictures]:
            coming = iter(connections)

            def connect(*_: object) -> Camera:
                items = next(coming)
                if isinstance(items, Exception):
                    raise items
                return Camera(items, stop if items is connections[-1] else None)

            monkeypatch.setattr(packet_camera, "PacketConnection", connect)
            packets = LivePackets("rtsp://test/", stop, limit_bytes, Timeouts(5.0, READ_S), watched=True)
            pictures = PacketPictures(packets, watched(packets))
            stack.callback(pictures.close)
            count = sum(len(items) for items in connections if not isinstance(items, Exception))
            until(lambda: packets.received >= count or not count, 10, "all packets")
            return packets, pictures

        yield begin


def ended(pictures: PacketPictures) -> list[Frame | Gap]:
    """All that is there, once the camera is closed."""
    pictures.close()
    return list(pictures)


def numbers(items: Sequence[Frame | Gap]) -> list[int | None]:
    return [None if isinstance(item, Gap) else read_frame_number(item.image) for item in items]


@pytest.mark.parametrize("bframes", ["0", "2"])
def test_each_picture_has_the_time_of_its_packet(watch: Watch, bframes: str) -> None:
    sent = encoded([numbered(number, SIZE) for number in range(50)], bf=bframes)
    _, pictures = watch(sent)
    seen = ended(pictures)
    assert numbers(seen) == list(range(50))
    assert [item.time for item in seen if isinstance(item, Frame)] == sorted(packet.time for packet in sent)


def test_slow_detection_costs_pictures_and_no_packet(
    watch: Watch, sent: list[TimedPacket], caplog: pytest.LogCaptureFixture
) -> None:
    """All have come before the first one is looked at. It goes on with the first key packet after 10 s."""
    packets, pictures = watch(sent)
    seen = numbers(ended(pictures))
    assert seen == list(range(11 * FPS, len(sent)))
    assert [packet.time for packet in packets.until(1e9) if isinstance(packet, TimedPacket)] == [
        packet.time for packet in sent
    ]
    dropped = pictures.status().dropped
    assert dropped == len(sent) - len(seen)
    assert packets.status().dropped == 0
    assert caplog.text.count("motion detection is too slow") == 1


def test_less_room_for_pictures_than_for_packets(watch: Watch, sent: list[TimedPacket]) -> None:
    few = sent[: 4 * FPS]
    packets, pictures = watch(few, limit_bytes=sum(packet.nbytes for packet in few))
    seen = numbers(ended(pictures))
    assert seen[0] in (FPS, 2 * FPS, 3 * FPS)
    assert seen == list(range(seen[0] or 0, len(few)))
    assert packets.status().dropped == 0
    assert len(list(packets.until(1e9))) == len(few)


def test_both_sides_hear_of_a_gap_where_it_is(watch: Watch, logged_errors: list[str]) -> None:
    """With B-frames too, of which the decoder holds some back."""
    groups = [
        encoded([numbered(number, SIZE) for number in range(n, n + 10)], begin=n, bf="2") for n in (0, 10)
    ]
    packets, pictures = watch(*groups)
    assert numbers(ended(pictures)) == [*range(10), None, *range(10, 20)]
    assert [isinstance(item, Gap) for item in packets.until(1e9)] == [False] * 10 + [True] + [False] * 10


def test_a_gap_is_heard_although_the_pictures_around_it_were_passed_over(
    watch: Watch, sent: list[TimedPacket], logged_errors: list[str]
) -> None:
    _, pictures = watch(sent[: 2 * FPS], sent[15 * FPS :])
    assert numbers(ended(pictures)) == [None, *range(15 * FPS, len(sent))]


def damaged(packet: TimedPacket) -> TimedPacket:
    data = np.array([[0, 0, 0, 1, 0x65, *([255] * 50)]], np.uint8)
    return TimedPacket(data, packet.key, packet.time, packet.utc, packet.stream)


def test_what_the_decoder_refuses_is_recorded_and_counted(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    sent = encoded([numbered(number, SIZE) for number in range(20)], g="1")
    sent[7:9] = map(damaged, sent[7:9])
    packets, pictures = watch(sent)
    assert numbers(ended(pictures)) == [*range(7), *range(9, 20)]
    assert len(list(packets.until(1e9))) == 20
    assert pictures.status().undecodable == 2
    assert "2 packets so far could not be decoded" in caplog.text


def test_another_connection_is_tried_where_nothing_can_be_decoded(
    watch: Watch, sent: list[TimedPacket], logged_errors: list[str]
) -> None:
    few = sent[: 3 * FPS]
    packets, pictures = watch(list(map(damaged, few)), few)
    reading = iter(pictures)
    assert isinstance(next(reading), Gap)
    assert read_frame_number(cast(Frame, next(reading)).image) == 0
    assert packets.connections == 2


def test_another_size_is_a_gap_for_the_detector(watch: Watch) -> None:
    """JPEGs have no parameter sets that would tell it of the packets."""
    small = encoded([numbered(number, SIZE) for number in range(2)], MJPEG, "yuvj420p")
    large = encoded([numbered(number, (640, 480)) for number in range(2, 4)], MJPEG, "yuvj420p", begin=2)
    _, pictures = watch(small + large)
    seen = ended(pictures)
    assert numbers(seen) == [0, 1, None, 2, 3]


def test_what_will_never_be_a_stream_is_told_to_both(watch: Watch) -> None:
    packets, pictures = watch(SettingsError("cannot be copied"))
    with pytest.raises(SettingsError):
        next(iter(pictures))
    with pytest.raises(SettingsError):
        packets.first(1)


def textured() -> Image:
    """From black to white, with colours."""
    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
    image[:40], image[40:80] = 0, 255
    return cast(Image, image)


@pytest.mark.parametrize(
    ("codec", "kind"),
    [
        (H264, "yuv420p"),
        (H264, "yuvj420p"),
        (H264, "yuv444p"),
        (H264, "yuv420p10le"),
        (H264, "rgb24"),
        (H265, "yuv420p"),
        (H265, "yuv420p10le"),
        (H265, "gray"),
        (MJPEG, "yuvj422p"),
    ],
)
@pytest.mark.parametrize("fit_inside", [None, (320, 320)])
def test_the_grey_picture_is_that_of_the_whole_one(
    codec: CopyCodec, kind: str, fit_inside: tuple[int, int] | None
) -> None:
    (packet,) = encoded([textured()], codec, kind)
    decoder = PictureDecoder(packet.stream, fit_inside)
    ((its_packet, picture),) = [*(decoder.decode(packet) or ()), *(decoder.decode(None) or ())]
    assert its_packet is packet
    reduce = RobustDetector().reduced
    whole = decoder.bgr(picture)
    assert whole.shape[:2][::-1] == fitted_size((picture.width, picture.height), fit_inside)
    gray, true = decoder.gray(picture, reduce), reduce(whole)
    assert gray.shape == true.shape
    apart = np.abs(gray.astype(int) - true)
    assert apart.mean() < 2
    assert np.quantile(apart, 0.99) <= 6


def test_now_and_then_the_whole_picture_comes_as_jpeg(watch: Watch, sent: list[TimedPacket]) -> None:
    packets, _ = watch(sent[:50])
    pictures = PacketPictures(packets, watched(packets), None, RobustDetector().reduced)
    pictures.snapshots.want(0.2)
    frames = [item for item in ended(pictures) if isinstance(item, Frame)]
    assert all(frame.image.ndim == 2 for frame in frames)
    whole = [frame for frame in frames if frame.jpeg is not None]
    assert 5 <= len(whole) <= 10
    for frame in whole:
        assert frame.jpeg is not None
        assert read_frame_number(cast(Image, cv2.imdecode(frame.jpeg, cv2.IMREAD_COLOR))) == round(
            frame.time * FPS
        )
