"""Truth for sound: a stream in which light and sound clap at the same moment, and how far apart they are."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
from copies import FPS, make
from numpy.typing import NDArray

from pynvr.media.frame import Image

RATE = 48000
CLAP_EVERY_S = 1.0
FIRST_CLAP_S = 0.52
CLAP_S = 0.02

ENCODERS = {
    "aac": "-c:a aac -b:a 96k",
    "aac_16k": "-c:a aac -ar 16000 -b:a 32k",
    "opus": "-c:a libopus",
    "mp3": "-c:a libmp3lame",
    "mp3_8k": "-c:a libmp3lame -ar 8000 -ac 1",
    "adpcm_g726": "-c:a adpcm_g726 -ar 8000 -ac 1 -b:a 32k",
    "wmav2": "-c:a wmav2",
    "pcm_s16le": "-c:a pcm_s16le",
    "pcm_mulaw": "-c:a pcm_mulaw -ar 8000 -ac 1",
    "pcm_alaw": "-c:a pcm_alaw -ar 8000 -ac 1",
}


def clap(image: Image, time: float) -> None:
    """Light a corner of the pictures of a clap."""
    since_s = (time - FIRST_CLAP_S + 1e-6) % CLAP_EVERY_S
    image[-16:, -16:] = 255 if since_s < 0.9 / FPS else 0


def clapping(path: Path, sound: str = "aac", seconds: float = 8, **options: Any) -> Path:
    """Such a stream with the motion of `copies.make`, as .mkv; claps at 0.52 s, 1.52 s, ..."""
    silent = make(path.with_suffix(".silent.mkv"), seconds, each=clap, **options)
    samples = np.zeros(round(seconds * RATE))
    tone = 0.8 * np.sin(2 * np.pi * 1000 * np.arange(round(CLAP_S * RATE)) / RATE)
    for start_s in np.arange(FIRST_CLAP_S, seconds, CLAP_EVERY_S):
        start = round(start_s * RATE)
        samples[start : start + len(tone)] = tone[: len(samples) - start]
    heard = path.with_suffix(".wav")
    with wave.open(str(heard), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    inputs = ["-i", str(silent), "-i", str(heard), "-map", "0:v", "-map", "1:a", "-c:v", "copy"]
    command = ["ffmpeg", "-v", "error", "-y", *inputs, *ENCODERS[sound].split(), str(path)]
    subprocess.run(command, check=True)
    return path


def claps_in(path: Path) -> tuple[list[float], list[float]]:
    """When claps are seen and heard in a file, seconds."""
    seen: list[float] = []
    heard: list[float] = []
    before_s, was_lit = -1.0, True  # one that is under way at the beginning is none
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            lit = float(frame.to_ndarray(format="gray")[-12:-4, -12:-4].mean()) > 128
            if lit and not was_lit:
                seen.append(float(frame.time or 0))
            was_lit = lit
    with av.open(str(path)) as container:
        for piece in container.decode(audio=0):
            samples: NDArray[Any] = piece.to_ndarray()
            mono = np.abs(samples.reshape(samples.shape[0], -1)[0].astype(float))
            if np.issubdtype(samples.dtype, np.integer):
                mono /= 32768
            for place in np.flatnonzero(mono > 0.2):
                time = float(piece.time or 0) + place / piece.sample_rate
                if time - before_s > 0.3:
                    heard.append(time)
                before_s = time
    return seen, heard


def apart_s(path: Path) -> list[float]:
    """By how much each clap in a file is heard after it is seen, seconds; only those that are in it whole."""
    seen, heard = claps_in(path)
    return [
        min((other - one for other in heard), key=abs)
        for one in seen
        if heard[0] - 0.3 <= one <= heard[-1] + 0.3
    ]


def codec_of_sound(path: Path) -> str | None:
    """FFmpeg's name of the sound's codec; None if there is no sound."""
    with av.open(str(path)) as container:
        return next((stream.codec_context.codec.canonical_name for stream in container.streams.audio), None)


def remuxed(path: Path, suffix: str) -> Path:
    """The same stream in another container."""
    target = path.with_name(f"remuxed{suffix}")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(path), "-c", "copy", str(target)], check=True)
    return target


def times_in(path: Path) -> tuple[list[float], list[float]]:
    """When pictures are shown, and pieces of sound begin, in a file; seconds, in order."""
    with av.open(str(path)) as container:
        found: dict[str, list[float]] = {"video": [], "audio": []}
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                found[packet.stream.type].append(float(packet.pts * packet.time_base))
    return sorted(found["video"]), sorted(found["audio"])


def begun_later(path: Path, seconds: float) -> Path:
    """The same stream without the sound of its first seconds."""
    target = path.with_name(f"later-{path.name}")
    drop = f"noise=drop=lt(pts*tb\\,{seconds})"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-c", "copy", "-bsf:a", drop, str(target)]
    subprocess.run(command, check=True)
    return target


def spoilt(path: Path) -> Path:
    """The same stream with every third piece of sound spoilt."""
    target = path.with_name(f"spoilt-{path.name}")
    rng = np.random.default_rng(1)
    with av.open(str(path)) as source, av.open(str(target), "w") as copy:
        tracks = {one.index: copy.add_stream_from_template(one, opaque=True) for one in source.streams}
        for number, packet in enumerate(source.demux()):
            if packet.dts is None:
                continue
            written = packet
            if packet.stream.type == "audio" and number % 3 == 0:
                written = av.Packet(rng.integers(0, 256, packet.size + 20, np.uint8).tobytes())
                written.pts, written.dts, written.time_base = packet.pts, packet.dts, packet.time_base
            written.stream = tracks[packet.stream_index]
            copy.mux(written)
    return target
