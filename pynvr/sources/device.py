"""Opens a local (USB) camera, and says why if that fails. On Linux it is one of Video4Linux."""

import logging
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

import cv2

from pynvr.errors import CameraError

log = logging.getLogger(__name__)

BUFFERS = 10
"""Pictures that the driver may hold while the machine is busy: 0.3 s of them. OpenCV's own choice is 4, and
its limit 10."""
QUERY_CAPABILITIES = 0x80685600
"""VIDIOC_QUERYCAP of linux/videodev2.h."""
CAPABILITIES = struct.Struct("=16s32s32sIII12x")
"""Driver, card, bus, version, capabilities of the whole camera, and those of this one of its devices."""
CAPTURES = 0x00000001 | 0x00001000
"""V4L2_CAP_VIDEO_CAPTURE or V4L2_CAP_VIDEO_CAPTURE_MPLANE."""
HAS_TWO = "has no pictures: a camera has a second number for its other data; try the one before or after it"


def open_device(cam: str, read_timeout_s: float, size: tuple[int, int] | None = None) -> cv2.VideoCapture:
    """Open the camera of this number or path; raises CameraError.

    It is asked for this (width, height), and for JPEGs: USB 2 carries some ten raw pictures of 1280x720 a
    second. The driver gives what comes nearest. None: the driver's own choice.
    """
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, round(read_timeout_s))))
    capture = cv2.VideoCapture(int(cam)) if cam.isdecimal() else cv2.VideoCapture(cam, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(f"camera {cam}: cannot be opened: {_why_not(cam)} (setting cam)")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, BUFFERS)
    if size is not None:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        width, height = (capture.get(what) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if (width, height) != size:
            log.warning("camera %s: gives %dx%d instead of CAMERA_SIZE = %s", cam, width, height, size)
    return capture


def _why_not(cam: str) -> str:
    """Ask the system, which tells more than OpenCV."""
    if not sys.platform.startswith("linux"):
        return "is it plugged in, and may this program use cameras?"
    path = f"/dev/video{cam}" if cam.isdecimal() else cam
    try:
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        others = ", ".join(sorted(map(str, Path("/dev").glob("video*"))))
        return f"there is no {path}: is it plugged in?" + (f" There is {others}" if others else "")
    except PermissionError:
        return f"this user may not use {path}: sudo usermod -aG video USER, then log in anew"
    except OSError as error:
        return f"{path}: {error.strerror}"
    try:
        return "another program may use it" if _captures(device) else f"{path} {HAS_TWO}"
    finally:
        os.close(device)


def _captures(device: int) -> bool:
    from fcntl import ioctl

    told = bytearray(CAPABILITIES.size)
    with suppress(OSError):
        ioctl(device, QUERY_CAPABILITIES, told)
    return bool(CAPABILITIES.unpack(told)[-1] & CAPTURES)
