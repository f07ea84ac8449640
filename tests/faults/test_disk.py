"""The disk is full, read-only, gone or slow: said once, nothing closed is harmed, it resumes by itself."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from conftest import Measure
from harness import (
    LIVELY,
    Clip,
    Clips,
    RecorderProcess,
    consecutive,
    fill,
    fingerprints,
    missing,
    mount_tmpfs,
    open_files,
    recordings,
    run,
)
from rtsp import RtspServer, needs_rtsp

pytestmark = [needs_rtsp, pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts file systems")]

NOTICED_S, RESUMED_S = 5, 10
SPLIT_S = 10
"""So that there is a closed file before the fault."""


@contextmanager
def unmounted_at_end(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        while path.is_mount():
            run("umount", "-l", path)


def before_the_fault(stack: ExitStack, folder: Path, clip: Clip, **settings: object) -> RecorderProcess:
    """A recorder with a closed file and an open one, on folder/disk."""
    server = stack.enter_context(RtspServer({"main": clip.path}))
    recorder = RecorderProcess(
        folder / "recorder",
        cam=server.url("main"),
        PATH_FOR_VIDEO=str(folder / "disk"),
        RECORDING_MAX_DURATION_SECS=SPLIT_S,
        **settings,
    )
    stack.enter_context(recorder)
    recorder.wait_for_recording(1, timeout_s=40)
    recorder.wait_for_frames(20)
    return recorder


def after_the_fault(
    recorder: RecorderProcess, figure: Measure, what: str, broke: float, mended: float, before: dict[str, str]
) -> None:
    """Noticed, said once, resumed; whatever is in the archive is whole."""
    noticed = recorder.wait_for("cannot record", after=broke)
    figure(f"{what}: noticed after", noticed.time - broke, "s", NOTICED_S)
    recorder.wait_for("recording again", after=mended)
    recorder.wait_for_recording(len(recorder.index()) + 1)
    recorder.stop()
    assert recorder.count("cannot record") == 1
    assert before.items() <= fingerprints(recorder.archive).items(), "a closed file was touched"
    assert open_files(recorder.archive) == []
    mended_utc = time.time() - (time.monotonic() - mended)
    first = min(r.first_utc for r in recordings(recorder.archive) if r.first_utc > mended_utc - 0.5)
    figure(f"{what}: recording again after", first - mended_utc, "s", RESUMED_S)


def check_numbers(recorder: RecorderProcess, clip: Clip) -> None:
    for recording in recordings(recorder.archive):
        assert consecutive(recording.numbers, len(clip.times)), f"{recording.path}: {recording.numbers}"
    assert recorder.status()["frames_dropped"] > 0


def full_disk(folder: Path, clip: Clip, figure: Measure) -> None:
    disk = folder / "disk"
    with ExitStack() as stack:
        mount_tmpfs(disk, 16)
        stack.enter_context(unmounted_at_end(disk))
        recorder = before_the_fault(stack, folder, clip)
        before = fingerprints(recorder.archive)
        filler = fill(disk)
        broke = time.monotonic()
        recorder.wait_for("cannot record", after=broke)
        # for a while nothing helps, and nothing is said
        threading.Event().wait(12)
        fill(disk).rename(disk / "filler2")  # what closing has set free
        filler.unlink(missing_ok=True)
        (disk / "filler2").unlink()
        mended = time.monotonic()
        after_the_fault(recorder, figure, "disk full", broke, mended, before)
        check_numbers(recorder, clip)


def full_at_the_start(folder: Path, clip: Clip, figure: Measure) -> None:
    """Killed, and there is no room when it starts again: not even for the index line of what was open."""
    disk = folder / "disk"
    with ExitStack() as stack:
        mount_tmpfs(disk, 16)
        stack.enter_context(unmounted_at_end(disk))
        recorder = before_the_fault(stack, folder, clip)
        recorder.kill()
        before = fingerprints(recorder.archive)
        filler = fill(disk)
        broke = recorder.start()
        recorder.wait_for("cannot record", after=broke)
        filler.unlink()
        mended = time.monotonic()
        recorder.wait_for("recording again", after=mended)
        recorder.wait_for_recording(3, timeout_s=30)
        recorder.stop()
        assert before.items() <= fingerprints(recorder.archive).items(), "a closed file was touched"
        assert open_files(recorder.archive) == []
        found = recordings(recorder.archive)
        assert any(recording.entry.get("recovered") for recording in found)
        for recording in found:
            assert consecutive(recording.numbers, len(clip.times))
        mended_utc = time.time() - (time.monotonic() - mended)
        first = min(r.first_utc for r in found if r.first_utc > mended_utc - 0.5)
        figure("disk full at the start: recording again after", first - mended_utc, "s", RESUMED_S)


def read_only_disk(folder: Path, clip: Clip, figure: Measure) -> None:
    """What the kernel does to a disk with faults; mounted anew afterwards."""
    image, disk = folder / "image", folder / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.ext4", "-q", "-F", image)
    with ExitStack() as stack:
        run("mount", "-o", "loop,errors=remount-ro", image, disk)
        stack.enter_context(unmounted_at_end(disk))
        recorder = before_the_fault(stack, folder, clip)
        before = fingerprints(recorder.archive)
        device = Path(run("findmnt", "-no", "SOURCE", disk).strip()).name
        broke = time.monotonic()
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")
        recorder.wait_for("cannot record", after=broke)
        # a file system that has failed comes back only as another mount
        copy = folder / "copy"
        run("cp", image, copy)
        run("umount", "-l", disk)
        os.system(f"e2fsck -fy {copy} >/dev/null 2>&1")
        run("mount", "-o", "loop", copy, disk)
        mended = time.monotonic()
        after_the_fault(recorder, figure, "disk read-only", broke, mended, before)
        check_numbers(recorder, clip)


def archive_gone(folder: Path, clip: Clip, figure: Measure) -> None:
    """The disk is taken off, and an empty mount point remains; then it is there again."""
    disk = folder / "disk"
    keep = folder / "keep"
    with ExitStack() as stack:
        mount_tmpfs(disk, 32)
        stack.enter_context(unmounted_at_end(disk))
        keep.mkdir()
        run("mount", "--bind", disk, keep)
        stack.enter_context(unmounted_at_end(keep))
        (disk / ".pynvr_archive").touch()
        recorder = before_the_fault(stack, folder, clip, ARCHIVE_REQUIRE_MARKER=True)
        before = fingerprints(recorder.archive)
        run("umount", "-l", disk)
        broke = time.monotonic()
        recorder.wait_for("cannot record", after=broke)
        assert list(disk.iterdir()) == [], "something was written under the mount point"
        threading.Event().wait(7)  # a retry falls into this time
        assert list(disk.iterdir()) == [], "something was written under the mount point"
        run("mount", "--bind", keep, disk)
        mended = time.monotonic()
        after_the_fault(recorder, figure, "archive gone", broke, mended, before)
        check_numbers(recorder, clip)


def archive_removed(folder: Path, clip: Clip, figure: Measure) -> None:
    """Somebody removes the folder while it records, and all that is in it."""
    with ExitStack() as stack:
        recorder = before_the_fault(stack, folder, clip)
        run("mv", recorder.archive, folder / "elsewhere")
        broke = time.monotonic()
        after_the_fault(recorder, figure, "archive removed", broke, broke, {})
        check_numbers(recorder, clip)


def stalled_disk(folder: Path, clip: Clip, figure: Measure, stall_s: float) -> None:
    """fsfreeze: every write waits until the file system is thawed."""
    image, disk = folder / "image", folder / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.ext4", "-q", "-F", image)
    with ExitStack() as stack:
        run("mount", "-o", "loop", image, disk)
        stack.enter_context(unmounted_at_end(disk))
        # one MB for the ring and one for the queue: the long stall has to go beyond
        limits = {} if stall_s < 10 else {"WRITER_QUEUE_LIMIT_MB": 1, "PRE_ALARM_MEMORY_LIMIT_MB": 1}
        recorder = before_the_fault(stack, folder, clip, **limits)
        memory = recorder.memory_mb()
        most = memory
        run("fsfreeze", "-f", disk)
        stack.callback(lambda: run("bash", "-c", f"fsfreeze -u {disk} || true"))
        broke = time.monotonic()
        while time.monotonic() - broke < stall_s:
            threading.Event().wait(0.25)
            most = max(most, recorder.memory_mb())
        received = recorder.status()["frames_received"]
        run("fsfreeze", "-u", disk)
        recorder.wait_for_status(frames_received=lambda count: count > received)
        recorder.wait_for_recording(len(recorder.index()) + 2, timeout_s=45)
        recorder.stop()
        found = recordings(recorder.archive)
        numbers = [number for recording in found for number in recording.numbers]
        lost = missing(numbers, len(clip.times))
        dropped = recorder.status()["frames_dropped"]
        if stall_s < 10:
            figure(f"disk stalls {stall_s:g} s: frames lost", lost, "", 0)
        else:
            figure(f"disk stalls {stall_s:g} s: frames lost but not counted", abs(lost - dropped), "", 0)
            assert dropped > 0, "the case has to go beyond the bound"
            # a recording of which nothing was left has no line
            assert 0 < sum(recording.entry.get("dropped", 0) for recording in found) <= dropped
            assert recorder.count("writing is too slow") >= 1
        figure(f"disk stalls {stall_s:g} s: memory grew by", most - memory, "MB", 30)
        live = numbers[-1]
        assert live > numbers[0]


CASES = {
    "full": full_disk,
    "full at the start": full_at_the_start,
    "read-only": read_only_disk,
    "gone": archive_gone,
    "removed": archive_removed,
    "stalls 2 s": lambda folder, clip, figure: stalled_disk(folder, clip, figure, 2),
    "stalls 20 s": lambda folder, clip, figure: stalled_disk(folder, clip, figure, 20),
}


@pytest.mark.repeat(1)
def test_disk(repetition: int, clips: Clips, tmp_path: Path, figure: Measure) -> None:
    clip = clips.get(LIVELY)
    failures = []
    with ThreadPoolExecutor(len(CASES)) as pool:
        done = {}
        for name, case in CASES.items():
            folder = tmp_path / name.replace(" ", "_")
            folder.mkdir()
            done[name] = pool.submit(case, folder, clip, figure)
    for name, future in done.items():
        error = future.exception()
        if error is not None:
            failures.append(f"disk {name}: {type(error).__name__}: {error}")
    assert not failures, "\n\n".join(failures)
