"""The benchmarks' own arithmetic: how they count and score, on small inputs whose truth is known."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import make_clip, numbered, rising

from pynvr.demo.scene import DemoScene, Visit
from pynvr.detection.classic import ClassicDetector
from pynvr.detection.detector import Detection
from pynvr.media.frame import Image
from pynvr.tuning.clip import Clip

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import a benchmark by its name, as a script among its neighbours."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:  # names such as `inputs` are not for other tests to find
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == FOLDER:
            del sys.modules[name]


# ---- detection.py


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([], (0, 0, 0, 0.0)),
        ([10, 19], (1, 0, 0, 0.0)),  # both ends of the interval belong to it
        ([9], (0, 0, 1, 0.1)),
        ([20], (0, 0, 1, 0.1)),
        ([15, 30, 35, 39], (1, 1, 0, 0.0)),  # a trap that fires is counted once, and is no false burst
        ([50, 55, 59], (0, 0, 0, 0.0)),  # ignored
        ([70, 79, 88], (0, 0, 1, 0.3)),  # less than a second apart is one burst
        ([70, 80, 95], (0, 0, 3, 0.3)),
        (list(range(100)), (2, 1, 4, 5.0)),
    ],
)
def test_scoring_rules(benchmark: Any, alarms: list[int], expected: tuple[int, int, int, float]) -> None:
    detection = benchmark("detection")
    truth = detection.Labels(
        fps=10, motion=((10, 19), (90, 94)), trap=((30, 39),), ignore=((45, 69),), frames=100
    )
    got = detection.score(truth, alarms)
    assert (got.events, got.traps) == (2, 1)
    assert got.false_seconds == pytest.approx(expected[3])
    assert (got.events_hit, got.traps_fired, got.false_bursts) == expected[:3]


def test_scores_add_up_and_the_table_tells_them(benchmark: Any) -> None:
    detection = benchmark("detection")
    one, two = detection.Score(2, 1, 1, 1, 3, 0.5), detection.Score(1, 1, 0, 0, 0, 0.25)
    assert one + two == detection.Score(3, 2, 1, 1, 3, 0.75)
    lines = detection.table({"default": {"a.mp4": one, "b.mp4": two}}).splitlines()
    assert lines[-3:] == [
        "| a.mp4 (2, 1) | 1 / 1 / 3 / 0.5 |",
        "| b.mp4 (1, 0) | 1 / 0 / 0 / 0.2 |",
        "| **all 2** (3, 1) | **2 / 1 / 3 / 0.8** |",
    ]


def test_how_soon_how_completely_and_how_often_in_vain(benchmark: Any) -> None:
    detection = benchmark("detection")
    truth = detection.Labels(fps=2, motion=((10, 49), (60, 69)), ignore=((50, 59),), frames=170)
    got = detection.score(truth, [14, 15, 100])
    # the first event is held from 14 to 35; the second one is missed
    assert got.delays_s == (2.0,)
    assert (got.event_seconds, got.held_seconds, got.quiet_seconds) == (25.0, 11.0, 55.0)
    line = detection.summary("default", got + got)
    assert line == (
        "default: first alarm after 2.00 s, at worst 2.00 s; recorded 44 % of the events' seconds; "
        f"{86400 / 55:.0f} bursts a day"
    )


def test_settings_on_the_command_line_are_pythons(benchmark: Any) -> None:
    detection = benchmark("detection")
    text = 'MOTION_DETECTOR="classic",MOTION_REGIONS=[[(0, 0), (1, 0), (1, 1)]],GUARD_EXPOSURE=False'
    assert detection.parse_settings(text) == {
        "MOTION_DETECTOR": "classic",
        "MOTION_REGIONS": [[(0, 0), (1, 0), (1, 1)]],
        "GUARD_EXPOSURE": False,
    }
    with pytest.raises(ValueError, match="5"):
        detection.parse_settings("5")


@pytest.mark.slow
def test_whole_run_on_a_labelled_clip(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    detection = benchmark("detection")
    monkeypatch.setitem(sys.modules, "machine_specific_configuration", None)
    # one visit that is labelled, a switch of the light that is a trap, and a visit that nobody has labelled
    scene = DemoScene((160, 120), visits=(Visit(2, 2), Visit(10, 2)))
    clip = Clip(tmp_path / "yard.mp4", "DIVX", 10.0)
    for index, time in enumerate(rising(10, 14)):
        image = scene.render(time, index)
        clip.write(np.clip(image + 60.0, 0, 255).astype(np.uint8) if 60 <= index < 80 else image, time)
    clip.close()
    truth = {"fps": 10, "frames": 140, "motion": [[20, 45]], "trap": [[60, 82]], "remark": "made up"}
    (tmp_path / "events.json").write_text(json.dumps({"yard.mp4": truth}))
    found = tmp_path / "found.json"
    classic = 'MOTION_DETECTOR="classic"'
    arguments = [str(tmp_path), "--compare", classic, "--json", str(found)]
    monkeypatch.setattr(sys, "argv", ["detection.py", *arguments])
    detection.main()
    document = json.loads(found.read_text())
    alarms = document[classic]["clips"]["yard.mp4"]["alarms"]
    total = document[classic]["total"]
    assert (total["events"], total["events_hit"], total["traps"], total["traps_fired"]) == (1, 1, 1, 1)
    assert total["false_bursts"] == 1
    false = [frame for first, last in alarms for frame in range(first, last + 1) if frame > 90]
    assert total["false_seconds"] == pytest.approx(len(false) / 10)
    robust = document["as configured"]["total"]
    assert (robust["events_hit"], robust["traps_fired"], robust["false_bursts"]) == (1, 0, 1)
    said = capsys.readouterr().out
    assert "| yard.mp4 (1, 1) | 1 / 0 / 1 /" in said
    assert "CPU ms a frame" in said


def test_clip_that_is_not_as_labelled_is_refused(benchmark: Any, tmp_path: Path) -> None:
    detection = benchmark("detection")
    clip = make_clip(tmp_path / "clip.mp4", rising(10, 1), ())
    assert detection.watch(clip, [ClassicDetector()], 10)[0].alarms == []
    with pytest.raises(SystemExit, match="has 10 frames, its labels say 11"):
        detection.watch(clip, [ClassicDetector()], 11)


# ---- drawn.py


class Clockwork:
    """A detector that says motion at given times."""

    def __init__(self, times: set[float]) -> None:
        self._times = times

    def detect(self, image: Image, time_s: float) -> Detection:
        gray = image[:, :, 0]
        motion = round(time_s, 3) in self._times
        return Detection(gray, gray, gray, 0, motion, 0.0, 1.0)


def test_drawn_crossings_are_counted_by_their_truth(benchmark: Any) -> None:
    drawn = benchmark("drawn")
    scene = DemoScene((160, 120), visits=(Visit(2, 2), Visit(6, 2)))
    # 1.0 false; 3.0 and 3.2 in the first visit; 4.2 in its aftermath; 4.6 false; the second is missed
    result = drawn.watch(Clockwork({1.0, 3.0, 3.2, 4.2, 4.6}), scene, 5.0)
    assert (result.crossings, result.found) == (2, 1)
    assert result.false_s == pytest.approx(0.4)
    first = drawn.first_visible(scene, scene.visits[0])
    assert scene.figure_box(first) is not None
    assert scene.figure_box(first - drawn.STEP_S) is None
    assert result.delays_s == [pytest.approx(3.0 - first)]
    result += drawn.Result(1, 1, 0.1, [0.2])
    assert str(result) == f"2 / 3 / 0.5 / {(3.0 - first + 0.2) / 2:.2f}"


@pytest.mark.parametrize(("alarms", "found"), [({3.0, 12.0}, 1), ({3.0, 14.0}, 0), ({3.0}, 0), ({9.0}, 1)])
def test_drawn_visit_must_not_be_lost_for_longer_than_the_hold(
    benchmark: Any, alarms: set[float], found: int
) -> None:
    scene = DemoScene((160, 120), visits=(Visit(2, 15),))
    assert benchmark("drawn").watch(Clockwork(alarms), scene, 5.0).found == found


@pytest.mark.slow
@pytest.mark.parametrize("percent", [0.5, 10.0])
def test_drawn_person_has_the_size_asked_for(benchmark: Any, percent: float) -> None:
    drawn = benchmark("drawn")
    scene = DemoScene(drawn.SIZE, visits=drawn.visits(drawn.scale_of(percent)), noise=0)
    _, _, width, height = scene.figure_box(drawn.FIRST_S + 2.5) or (0, 0, 0, 0)
    assert width * height == pytest.approx(percent / 100 * 640 * 480, rel=0.05)


# ---- the others


def script(path: Path, output: str) -> Path:
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("output", "alarms"),
    [
        ("", []),
        ("[DVR-Scan] words\n00:00:01.000,00:00:01.400", [10, 11, 12, 13]),
        ("00:00:00.000,00:00:00.200,00:01:00.000,00:01:00.300", [0, 1, 600, 601, 602]),
        ("00:01:00.900,00:01:09.000", [609]),  # not beyond the clip's end
    ],
)
def test_dvr_scans_events_as_frames(benchmark: Any, tmp_path: Path, output: str, alarms: list[int]) -> None:
    versus = benchmark("versus_dvrscan")
    program = script(tmp_path / "dvr-scan", output)
    assert versus.alarms_of_dvr_scan(program, tmp_path / "clip.mp4", 10.0, 610) == alarms


def write_recording(folder: Path, numbers: list[int], fps: float) -> None:
    folder.mkdir(parents=True)
    clip = Clip(folder / "video.mp4", "DIVX", fps)
    for number in numbers:
        clip.write(numbered(number), number / fps)
    clip.close()


def test_numbers_in_recordings(benchmark: Any, tmp_path: Path) -> None:
    versus = benchmark("versus_motion")
    write_recording(tmp_path / "a", [3, 4, 6], 25)
    write_recording(tmp_path / "b", [9, 10], 25)
    assert versus.numbers_in(tmp_path) == [[3, 4, 6], [9, 10]]


def test_lost_frames_are_those_missing_between_the_first_and_the_last(benchmark: Any, tmp_path: Path) -> None:
    cameras = benchmark("cameras")
    write_recording(tmp_path / "video", [0, 1, 2, 5, 6], cameras.FPS)
    (tmp_path / "video" / "recordings.jsonl").write_text('{"file": "video.mp4", "first_frame_s": 7.0}\n')
    usage = cameras.Usage(0.0, 0.0)
    cameras.count_lost(tmp_path, usage)
    assert (usage.recorded, usage.lost) == (5, 2)


def test_own_costs_are_read_from_the_system(benchmark: Any) -> None:
    cameras = benchmark("cameras")
    assert cameras.cpu_s(os.getpid()) == pytest.approx(sum(os.times()[:2]), abs=0.1)
    assert cameras.peak_mb(os.getpid()) > 20


@pytest.mark.parametrize("kind", ["bare", "detect"])
def test_loops_to_compare_with_run_to_the_end(benchmark: Any, tmp_path: Path, kind: str) -> None:
    cameras = benchmark("cameras")
    clip = make_clip(tmp_path / "clip.mp4", rising(10, 1), ())
    cameras.loop(kind, str(clip), str(clip))


def test_inputs_are_as_their_names_say(benchmark: Any) -> None:
    inputs = benchmark("inputs")
    assert inputs.STILL_1080.visits == []
    assert inputs.EVENT_480.visits == [(inputs.EVENT_S, inputs.VISIT_S)]
    visits = inputs.MOVING_480.visits
    assert visits[0][0] < 0 < visits[0][0] + inputs.VISIT_S
    assert [a + inputs.VISIT_S for a, _ in visits[:-1]] == [b for b, _ in visits[1:]]
    assert visits[-1][0] + inputs.VISIT_S >= inputs.MOVING_480.seconds
    assert len({clip.path for clip in inputs.INPUTS}) == len(inputs.INPUTS)


# ---- document.py


def test_tables_go_between_their_marks_and_nothing_else_changes(benchmark: Any) -> None:
    document = benchmark("document")
    printed = ["Hits.\n", "\n", "| a | b |\n", "|---|---|\n", "| 1 | 2 |\n", "\n", "| c |\n", "done\n"]
    table = document.tables(printed)
    assert table == "| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |"
    page = "x\n<!-- table a -->\n\n| old |\n\n<!-- end of table a -->\ny\n"
    page += "<!-- table b -->\n<!-- end of table b -->\n"
    changed = document.put(page, "a", table)
    assert changed == page.replace("| old |", table)
    assert document.put(changed, "a", table) == changed
    for name, what in (("c", table), ("a", "")):
        with pytest.raises(ValueError, match=name):
            document.put(page, name, what)


def test_every_table_that_a_benchmark_writes_has_its_place(benchmark: Any) -> None:
    """As the Makefile and benchmarks/README.md call them."""
    document = benchmark("document")
    told = (FOLDER.parent / "Makefile").read_text() + (FOLDER / "README.md").read_text()
    names = set(re.findall(r"document\.py ([a-z_]+)", told))
    assert len(names) >= 5
    for name in names:
        document.put(document.FIGURES.read_text(), name, "| |")


# ---- worst_faults.py


def test_summary_of_faults_has_the_worst_of_each_kind_and_the_document_has_no_other(benchmark: Any) -> None:
    document, worst_faults = benchmark("document"), benchmark("worst_faults")
    assert worst_faults.worst(["0.5", "", "12 **missed**", "9"]) == "12 **missed**"
    assert worst_faults.worst(["", ""]) == ""
    page = document.FIGURES.read_text(encoding="utf-8")
    table = re.search(r"<!-- table faults -->\n\n(.*?)\n\n<!-- end", page, re.S)
    assert table
    summary = "\n".join(worst_faults.summary(table[1].splitlines()))
    assert document.put(page, "worst_faults", summary) == page
    with pytest.raises(ValueError, match="no such row"):
        worst_faults.summary(["| something else: took | 1 | 2 | 3 | 4 | 5 | 6 | 7 s |"])
