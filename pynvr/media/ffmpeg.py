"""FFmpeg's messages, as PyAV hands them out: kept out of the log, for whoever wants to count or read them."""

from __future__ import annotations

import logging

import av.logging

av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False

complaints = av.logging.Capture
"""A context manager: the list of this thread's messages, each with its level and who says it."""
