"""The disk is full, read-only, gone or slow: said once, nothing closed is harmed, it resumes by itself."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from harness import (
    LIVELY,
    Clip,
    Clips,
    Measure,
    check_whole,
    fill,
    fingerprints,
    missing,
    mount_tmpfs,
    open_files,
    recordings,
    run,
    serving,
)
from rtsp import needs_rtsp
from running import RecorderProcess, Start

pytestmark = [
    needs_rtsp,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts file systems"),
    pytest.mark.lasts(50),
]

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


@dataclass(frozen=True)
class Surroundings:
    """What a case of this file has to do with."""

    folder: Path
    disk: Path
    clip: Clip
    stack: ExitStack
    start: Start
    dice: random.Random

    def recorder(self, **settings: object) -> RecorderProcess:
        """A recorder with a closed file and an open one, on the disk."""
        server = self.stack.enter_context(serving(self.clip, from_start=True))
        recorder = self.start(
            cam=server.url("main"),
            PATH_FOR_VIDEO=str(self.disk),
            RECORDING_MAX_DURATION_SECS=SPLIT_S,
            **settings,
        )
        recorder.wait_for_recording(1, timeout_s=40)
        recorder.wait_for_frames(self.dice.randrange(10, 60))
        return recorder

    def mount_tmpfs(self, megabytes: int) -> None:
        mount_tmpfs(self.disk, megabytes)
        self.stack.enter_context(unmounted_at_end(self.disk))

    def mount_image(self, options: str = "loop") -> Path:
        """Mount a new file system at the disk's place; return its image."""
        image = self.folder / "image"
        self.disk.mkdir()
        with image.open("wb") as file:
            file.truncate(64 << 20)
        run("mkfs.ext4", "-q", "-F", image)
        run("mount", "-o", options, image, self.disk)
        self.stack.enter_context(unmounted_at_end(self.disk))
        return image


@pytest.fixture
def around(tmp_path: Path, clips: Clips, stack: ExitStack, start: Start, dice: random.Random) -> Surroundings:
    return Surroundings(tmp_path, tmp_path / "disk", clips.get(LIVELY), stack, start, dice)


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


def check_numbers(recorder: RecorderProcess, clip: Clip, figure: Measure) -> None:
    for recording in recordings(recorder.archive):
        check_whole(clip, figure, recording)
    assert recorder.status()["frames_dropped"] > 0


def test_full_disk(repetition: int, around: Surroundings, figure: Measure) -> None:
    around.mount_tmpfs(16)
    recorder = around.recorder()
    before = fingerprints(recorder.archive)
    filler = fill(around.disk)
    broke = time.monotonic()
    recorder.wait_for("cannot record", after=broke)
    # for a while nothing helps, and nothing is said
    for _ in range(24):
        threading.Event().wait(0.5)
        fill(around.disk)  # what closing has set free
    filler.unlink()
    mended = time.monotonic()
    after_the_fault(recorder, figure, "disk full", broke, mended, before)
    check_numbers(recorder, around.clip, figure)


def test_disk_full_at_the_start(repetition: int, around: Surroundings, figure: Measure) -> None:
    """Killed, and there is no room when it starts again: not even for the index line of what was open."""
    around.mount_tmpfs(16)
    recorder = around.recorder()
    recorder.kill()
    before = fingerprints(recorder.archive)
    filler = fill(around.disk)
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
        check_whole(around.clip, figure, recording)
    mended_utc = time.time() - (time.monotonic() - mended)
    first = min(r.first_utc for r in found if r.first_utc > mended_utc - 0.5)
    figure("disk full at the start: recording again after", first - mended_utc, "s", RESUMED_S)


def test_read_only_disk(repetition: int, around: Surroundings, figure: Measure) -> None:
    """What the kernel does to a disk with faults; mounted anew afterwards."""
    image = around.mount_image("loop,errors=remount-ro")
    recorder = around.recorder()
    before = fingerprints(recorder.archive)
    device = Path(run("findmnt", "-no", "SOURCE", around.disk).strip()).name
    broke = time.monotonic()
    Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")
    recorder.wait_for("cannot record", after=broke)
    # a file system that has failed comes back only as another mount
    copy = around.folder / "copy"
    run("cp", image, copy)
    run("umount", "-l", around.disk)
    os.system(f"e2fsck -fy {copy} >/dev/null 2>&1")
    run("mount", "-o", "loop", copy, around.disk)
    mended = time.monotonic()
    after_the_fault(recorder, figure, "disk read-only", broke, mended, before)
    check_numbers(recorder, around.clip, figure)


def test_archive_gone(repetition: int, around: Surroundings, figure: Measure) -> None:
    """The disk is taken off, and an empty mount point remains; then it is there again."""
    around.mount_tmpfs(32)
    disk, keep = around.disk, around.folder / "keep"
    keep.mkdir()
    run("mount", "--bind", disk, keep)
    around.stack.enter_context(unmounted_at_end(keep))
    (disk / ".pynvr_archive").touch()
    recorder = around.recorder(ARCHIVE_REQUIRE_MARKER=True)
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
    check_numbers(recorder, around.clip, figure)


def test_archive_removed(repetition: int, around: Surroundings, figure: Measure) -> None:
    """Somebody removes the folder while it records, and all that is in it."""
    recorder = around.recorder()
    run("mv", recorder.archive, around.folder / "elsewhere")
    broke = time.monotonic()
    after_the_fault(recorder, figure, "archive removed", broke, broke, {})
    check_numbers(recorder, around.clip, figure)


@pytest.mark.parametrize("stall_s", [2, 20])
def test_stalled_disk(
    repetition: int, stall_s: int, mode: str, around: Surroundings, clips: Clips, figure: Measure
) -> None:
    """fsfreeze: every write waits until the file system is thawed."""
    long = stall_s > 10
    around.mount_image()
    limits = {}
    if long:  # it has to go beyond these
        limits = {"WRITER_QUEUE_LIMIT_MB": 1, "PRE_ALARM_MEMORY_LIMIT_MB": 1}
        if mode != "encode":  # packets are small
            around = replace(around, clip=clips.get(LIVELY, seconds=60, size=(640, 480)))
    recorder = around.recorder(**limits)
    memory = most = recorder.memory_mb()
    run("fsfreeze", "-f", around.disk)
    around.stack.callback(lambda: run("bash", "-c", f"fsfreeze -u {around.disk} || true"))
    broke = time.monotonic()
    while time.monotonic() - broke < stall_s:
        threading.Event().wait(0.25)
        most = max(most, recorder.memory_mb())
    received = recorder.status()["frames_received"]
    run("fsfreeze", "-u", around.disk)
    recorder.wait_for_status(frames_received=lambda count: count > received)
    recorder.wait_for_recording(len(recorder.index()) + 2, timeout_s=45)
    recorder.stop()
    found = recordings(recorder.archive)
    numbers = [number for recording in found for number in recording.numbers]
    lost = missing(numbers, len(around.clip.times))
    dropped = recorder.status()["frames_dropped"]
    if long:
        figure(f"disk stalls {stall_s} s: frames lost but not counted", abs(lost - dropped), "", 0)
        assert dropped > 0, "the case has to go beyond the bound"
        # a recording of which nothing was left has no line
        assert 0 < sum(recording.entry.get("dropped", 0) for recording in found) <= dropped
        assert recorder.count("writing is too slow") >= 1
    else:
        figure(f"disk stalls {stall_s} s: frames lost", lost, "", 0)
    figure(f"disk stalls {stall_s} s: memory grew by", most - memory, "MB", 30)
    assert numbers[-1] > numbers[0]
