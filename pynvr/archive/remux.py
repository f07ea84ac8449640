"""Copies a part's packets into the final container: the result is complete, or there is none."""

from collections.abc import Sequence
from pathlib import Path

from pynvr.archive import fsync
from pynvr.errors import RecordingError
from pynvr.media import container
from pynvr.media.packet import AS_CODED, Shape


def remux(
    part: Path,
    final: Path,
    fourcc: str,
    times: Sequence[float],
    rate: float | None,
    delimiter: bytes = b"",
    shape: Shape = AS_CODED,
    sound_from_s: float | None = None,
) -> None:
    """Copy a part's packets into `final`, check that all are there, and remove the part.

    `times`: when each packet is shown, seconds, in the order of decoding; packets beyond their end are left
    out. `rate` (see `rate_for`) and `delimiter` are as `container` has them. Only an .mp4 can say its
    `shape`. `sound_from_s` is `earliest_s` of `sound_container.copy`; None: the part has no sound. With sound
    or a `shape`, `fourcc` and `rate` are not used. When this returns, file and name are on the disk. Raises
    RecordingError if the copy fails, and OSError if the disk refuses a name; the part stays then.
    """
    copied = copy_of(final)
    try:
        # OpenCV would write an .mkv of H.264 without the parameter sets in its header
        bare = (part.suffix, final.suffix) == (".ts", ".mkv")
        if sound_from_s is None and shape == AS_CODED and not bare:
            container.copy(part, copied, fourcc, times_ms(times), rate, delimiter)
        else:
            from pynvr.media import sound_container  # brings 17 MB

            sound_container.copy(part, copied, times_ms(times), delimiter, sound_from_s or 0.0, shape)
        if container.survey(copied).count != len(times):
            raise RecordingError(f"{copied}: came out incomplete; is the disk full?")
    except RecordingError:
        copied.unlink(missing_ok=True)
        raise
    fsync.move(copied, final)
    part.unlink()


def copy_of(final: Path) -> Path:
    """Path of the final file while it is made. A crash may leave such a file; it can be removed."""
    return final.with_name(f"{final.stem}.closing.part{final.suffix}")


def times_ms(times: Sequence[float]) -> list[int]:
    """Each frame's time after the earliest one, milliseconds; no two are the same.

    The frames are in the order of decoding, which with B-frames is not that of their times.
    """
    found = [0] * len(times)
    last = -1
    order = sorted(range(len(times)), key=times.__getitem__)
    for number in order:
        time_ms = round((times[number] - times[order[0]]) * container.TICKS_PER_SECOND)
        found[number] = last = max(time_ms, last + 1)
    return found


def mean_rate(times: Sequence[float], nominal_fps: float) -> float:
    """Frames per second as measured; the nominal rate if there is only one frame."""
    span = max(times) - min(times) if times else 0.0
    return (len(times) - 1) / span if span > 0 else nominal_fps


def rate_for(final: Path, times: Sequence[float], nominal_fps: float) -> float | None:
    """The rate that `.avi` needs; None for a container in which every frame has its own time."""
    return mean_rate(times, nominal_fps) if final.suffix == ".avi" else None
