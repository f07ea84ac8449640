"""How well the detector does on labelled footage: `detection.py DIR`.

DIR holds clips and an `events.json`, which says for each clip, by name:

    "fps": 25, "frames": 463, "motion": [[158, 198]], "ignore": [[130, 157]], "trap": [[350, 373]]

Intervals are frame numbers, from 0, both ends included. In a `motion` interval
something really moves: the detector has to alarm at least once. In a `trap` only
the light changes and in any other frame nothing of interest happens: an alarm is
false. In `ignore` either answer is fine.

`--compare` adds a column with other settings and may be repeated:

    detection.py DIR --compare NORMALIZE_CONTRAST=True --compare MOTION_AREA_THRESHOLD=800,PIXEL_THRESHOLD=8

The detector looks at every frame unless `--paced` is given.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
from scoring import Labels, Score, runs, score, summary, table

from pynvr.detection.detector import Detector
from pynvr.detection.from_settings import at_its_pace, make_detector
from pynvr.errors import PynvrError
from pynvr.media.frame import Gap
from pynvr.media.opencv import work_lightly
from pynvr.settings import load
from pynvr.sources.films.file import FileSource


@dataclass
class Answers:
    """What one detector said about one clip."""

    alarms: list[int]
    """The frames for which it said motion."""
    cpu_s: float = 0.0


def watch(clip: Path, detectors: Sequence[Detector], frames: int | None) -> list[Answers]:
    """Let each detector see the clip, with the recorder's times; it is decoded once for all."""
    answers = [Answers([]) for _ in detectors]
    count = 0
    for frame in FileSource(clip, Event()):
        if isinstance(frame, Gap):
            for detector in detectors:
                detector.reset()
            continue
        count += 1
        for detector, answer in zip(detectors, answers, strict=True):
            start_s = time.thread_time()
            motion = detector.detect(frame.image, frame.time).motion
            answer.cpu_s += time.thread_time() - start_s
            if motion:
                answer.alarms.append(frame.index)
    if frames is not None and count != frames:
        raise SystemExit(f"{clip}: has {count} frames, its labels say {frames}")
    return answers


def parse_settings(text: str) -> dict[str, object]:
    """Read `NAME=VALUE,NAME=VALUE`; values are Python's."""
    call = ast.parse(f"settings({text})", mode="eval").body
    if not isinstance(call, ast.Call) or call.args:
        raise ValueError(text)
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def detector_with(overrides: Mapping[str, object], paced: bool) -> Detector:
    """The recorder's detector, with these settings changed; raises SettingsError."""
    settings = load(importlib.import_module("config"), None, overrides)
    detector = make_detector(settings)
    return at_its_pace(detector, settings) if paced else detector


def as_json(
    results: Mapping[str, Mapping[str, Score]], alarms: Mapping[str, Mapping[str, Sequence[int]]]
) -> str:
    """Scores and runs of alarm frames: {settings: {"total": …, "clips": {clip: …}}}."""
    document = {
        name: {
            "total": asdict(sum(clips.values(), Score())),
            "clips": {
                clip: asdict(one) | {"alarms": runs(alarms[name][clip], 2)} for clip, one in clips.items()
            },
        }
        for name, clips in results.items()
    }
    return json.dumps(document, indent=1) + "\n"


def main() -> None:
    """Score every labelled clip with every group of settings."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="clips and their events.json")
    parser.add_argument(
        "--compare",
        metavar="NAME=VALUE,…",
        action="append",
        default=[],
        help="one more column with these settings; may be repeated",
    )
    parser.add_argument("--paced", action="store_true", help="pass over the frames that the recorder would")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write scores and alarms there as well")
    options = parser.parse_args()
    work_lightly()
    cv2.setLogLevel(2)  # a warning for every clip otherwise
    try:
        groups: dict[str, dict[str, object]] = {"as configured": {}}
        groups |= {text: parse_settings(text) for text in options.compare}
        labelled = json.loads((options.folder / "events.json").read_text(encoding="utf-8"))
        labels = {clip: Labels.parse(entry) for clip, entry in labelled.items()}
        results: dict[str, dict[str, Score]] = {name: {} for name in groups}
        alarms: dict[str, dict[str, list[int]]] = {name: {} for name in groups}
        cpu_s, frames = dict.fromkeys(groups, 0.0), 0
        for clip, truth in labels.items():
            detectors = [detector_with(overrides, options.paced) for overrides in groups.values()]
            found = watch(options.folder / clip, detectors, truth.frames)
            for name, answers in zip(groups, found, strict=True):
                results[name][clip], alarms[name][clip] = score(truth, answers.alarms), answers.alarms
                cpu_s[name] += answers.cpu_s
            frames += truth.frames or 0
    except (PynvrError, OSError, ValueError, KeyError, TypeError, SyntaxError) as error:
        parser.exit(2, f"{parser.prog}: {error!r}\n")
    print(table(results), "", sep="\n")
    for name, clips in results.items():
        print(f"{summary(name, sum(clips.values(), Score()))}.")
    if frames:
        costs = ", ".join(f"{name} {1000 * spent / frames:.2f}" for name, spent in cpu_s.items())
        print(f"\nDetecting, CPU ms a frame on one thread: {costs}.")
    if options.json is not None:
        options.json.write_text(as_json(results, alarms), encoding="utf-8")


if __name__ == "__main__":
    main()
