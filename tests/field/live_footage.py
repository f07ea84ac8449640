"""What the odd cameras show: a numbered scene in which something moves, encoded as each of them needs it."""

from __future__ import annotations

import math
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from copies import FPS, Raw, make, packets_of, scene
from live_http import as_jpegs

SECONDS = 12.0
MOVING = (4.5, 5.5)
SEGMENT_S = 2.0
JPEGS_PER_S = 10


@dataclass
class LiveFootage:
    """Files and packets, each made when it is asked for."""

    folder: Path

    @cached_property
    def file(self) -> Path:
        return make(self.folder / "plain.mp4", SECONDS, MOVING)

    @cached_property
    def packets(self) -> list[Raw]:
        return packets_of(self.file)

    @cached_property
    def with_b_frames(self) -> list[Raw]:
        return packets_of(make(self.folder / "b.mp4", SECONDS, MOVING, bframes=2))

    @cached_property
    def interlaced(self) -> list[Raw]:
        return packets_of(self._again("interlaced.mp4", "-flags", "+ilme+ildct", "-x264opts", "interlaced=1"))

    @cached_property
    def sliced(self) -> list[Raw]:
        """Each picture in eight NAL units, each after an access unit delimiter."""
        return packets_of(self._again("sliced.mp4", "-x264opts", "slices=8:aud=1"))

    @cached_property
    def refreshed(self) -> list[Raw]:
        """Without any key frame but the first: blocks are refreshed one column after the other."""
        return packets_of(self._again("refreshed.mp4", "-x264opts", "intra-refresh=1", "-g", "25"))

    @cached_property
    def rare_keys(self) -> list[Raw]:
        """With one key frame, the first."""
        options = f"keyint={round(SECONDS * FPS)}:scenecut=0"
        return packets_of(self._again("rare.mp4", "-x264opts", options))

    @cached_property
    def alternating(self) -> list[Raw]:
        """Each second with the parameter sets of another encoder."""
        other = packets_of(self._again("other.mp4", "-profile:v", "baseline", "-level", "4.0"))
        both = self.packets, other
        return [both[number // FPS % 2][number] for number in range(len(other))]

    @cached_property
    def transport_stream(self) -> Path:
        return self._again("plain.ts", copied=True)

    @cached_property
    def matroska(self) -> Path:
        return self._again("plain.mkv", copied=True)

    @cached_property
    def described_first(self) -> Path:
        """An .mp4 whose description comes before its pictures."""
        return self._again("first.mp4", "-movflags", "faststart", copied=True)

    def segments(self, suffix: str) -> list[bytes]:
        """The scene in pieces of SEGMENT_S: `.ts`, or `.m4s` and last what describes them, init.mp4."""
        kind = "fmp4" if suffix == ".m4s" else "mpegts"
        options = ("-hls_time", str(SEGMENT_S), "-hls_list_size", "0", "-hls_segment_type", kind)
        self._again("list.m3u8", "-f", "hls", *options, copied=True)
        pieces = [f"list{index}{suffix}" for index in range(math.ceil(SECONDS / SEGMENT_S))]
        described = ["init.mp4"] if suffix == ".m4s" else []
        return [(self.folder / name).read_bytes() for name in (*pieces, *described)]

    @cached_property
    def jpegs(self) -> list[bytes]:
        return self.jpegs_at([number / JPEGS_PER_S for number in range(round(SECONDS * JPEGS_PER_S))])

    def jpegs_at(self, times: Sequence[float]) -> list[bytes]:
        return as_jpegs(scene(times, MOVING))

    def _again(self, name: str, *options: str, copied: bool = False) -> Path:
        path = self.folder / name
        video = ["-c", "copy"] if copied else ["-c:v", "libx264", "-g", str(FPS), "-bf", "0"]
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(self.file), *video, *options, str(path)]
        subprocess.run(command, check=True)
        return path


def playlist(segments: int, finished: bool, suffix: str) -> Callable[[], bytes]:
    """A list of these segments: all that there are, or the latest three, one more every SEGMENT_S."""
    began: list[float] = []

    def listed() -> bytes:
        began.append(time.monotonic())
        have = segments if finished else min(segments, 3 + int((began[-1] - began[0]) / SEGMENT_S))
        first = 0 if finished else max(0, have - 5)
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{math.ceil(SEGMENT_S)}"]
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first}")
        if suffix == ".m4s":
            lines.append('#EXT-X-MAP:URI="init.mp4"')
        for index in range(first, have):
            lines += [f"#EXTINF:{SEGMENT_S},", f"list{index}{suffix}"]
        return "\n".join([*lines, *["#EXT-X-ENDLIST"] * finished, ""]).encode()

    return listed


def one_line(text: str) -> str:
    """A message without what is different each time."""
    return re.sub(r":\d{4,5}(?=\D)", ":PORT", text.strip())
