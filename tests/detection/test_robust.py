"""The robust detector: what it finds, what it leaves alone, and that each guard can be switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pynvr.demo.scene import CROSSING, CROSSING_BACK, DemoScene, Path, Visit
from pynvr.detection.classic import ClassicDetector
from pynvr.detection.detector import Detection
from pynvr.detection.pacing import RestingDetector
from pynvr.detection.parameters import RobustParameters
from pynvr.detection.robust import RobustDetector
from pynvr.detection.zones import Zones
from pynvr.media.frame import Image

SIZE = (320, 240)
FPS = 15.0
Change = Callable[[Image, float], Image]


def yard() -> DemoScene:
    return DemoScene(SIZE, visits=())


def watch(
    pictures: Iterator[tuple[Image, float]],
    parameters: RobustParameters | None = None,
    zones: Zones | None = None,
) -> list[tuple[float, Detection]]:
    detector = RobustDetector(parameters, zones)
    return [(time_s, detector.detect(image, time_s)) for image, time_s in pictures]


def frames(
    seconds: float, change: Change | None = None, scene: DemoScene | None = None, fps: float = FPS
) -> Iterator[tuple[Image, float]]:
    scene = scene or yard()
    for index in range(round(seconds * fps)):
        time_s = index / fps
        image = scene.render(time_s, index)
        yield (change(image, time_s) if change else image), time_s


def alarms(seen: list[tuple[float, Detection]]) -> list[float]:
    return [time_s for time_s, detection in seen if detection.motion]


def box(image: Image, x: float, y: float, width: int, height: int, level: int = 230) -> Image:
    image = image.copy()
    cv2.rectangle(image, (round(x), round(y)), (round(x) + width, round(y) + height), (level,) * 3, -1)
    return image


def walker(image: Image, time_s: float) -> Image:
    """A box of 2 % that crosses from the 4th second on."""
    return box(image, 70 * (time_s - 4) - 24, 100, 24, 62)


# ---- what it finds


@pytest.mark.slow
@pytest.mark.parametrize("fps", [3, 7, 15, 30])
def test_crossing_is_found_at_every_rate(fps: float) -> None:
    found = alarms(watch(frames(10, walker, fps=fps)))
    assert found
    assert 4 < found[0] < (4.9 if fps >= 7 else 6)
    assert found[-1] < 9.5


def test_still_yard_is_quiet() -> None:
    seen = watch(frames(6))
    assert alarms(seen) == []
    assert max(detection.score for _, detection in seen) < 750


def test_motion_is_a_score_of_at_least_the_threshold() -> None:
    seen = watch(frames(8, walker))
    assert any(detection.motion for _, detection in seen)
    for _, detection in seen:
        assert detection.threshold == 1500
        assert detection.motion == (detection.score >= detection.threshold)


def test_stages_are_of_one_size_and_outlive_the_next_picture() -> None:
    detector = RobustDetector()
    for image, time_s in frames(6, walker):
        seen = detector.detect(image, time_s)
    kept = [stage.copy() for stage in (seen.gray, seen.difference, seen.mask)]
    detector.detect(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), 6.0)
    for stage, copy in zip((seen.gray, seen.difference, seen.mask), kept, strict=True):
        assert stage.shape == seen.gray.shape
        assert stage.dtype == np.uint8
        assert np.array_equal(stage, copy)
    assert set(np.unique(seen.mask)) == {0, 255}
    assert len(seen.contours()) >= 1


@pytest.mark.parametrize("size", [(1, 1), (5000, 1), (1, 500), (17, 3), (1921, 1081), (48, 64)], ids=str)
def test_every_size(size: tuple[int, int]) -> None:
    detector = RobustDetector()
    for index in range(5):
        image = np.full((size[1], size[0], 3), 40 * index, np.uint8)
        image.flags.writeable = False
        assert not detector.detect(image, index / 5).motion


def test_same_pictures_give_the_same_answers() -> None:
    once, again = ([(d.score, d.motion, d.changed_px) for _, d in watch(frames(7, walker))] for _ in range(2))
    assert once == again


@pytest.mark.parametrize("detector", [RobustDetector, ClassicDetector])
def test_what_was_reduced_before_is_as_good_as_the_picture(
    detector: type[RobustDetector] | type[ClassicDetector],
) -> None:
    whole, reduced = detector(), detector()
    for image, time_s in frames(6, walker):
        seen, again = whole.detect(image, time_s), reduced.detect(reduced.reduced(image), time_s)
        assert (seen.score, seen.motion, seen.changed_px) == (again.score, again.motion, again.changed_px)
        assert np.array_equal(seen.mask, again.mask)


# ---- what it leaves alone


def lamp(image: Image, time_s: float) -> Image:
    return cv2.convertScaleAbs(image, alpha=1.6 if time_s >= 4 else 1.0)  # type: ignore[return-value]


def hunting(image: Image, time_s: float) -> Image:
    image = image.copy()
    image[-16:] = 90  # the strip of black and white blocks would blink under it
    return cv2.convertScaleAbs(image, alpha=1 + 0.2 * np.sin(2 * time_s))  # type: ignore[return-value]


def blinking(image: Image, time_s: float) -> Image:
    return box(image, 40, 40, 24, 24, 230 if int(time_s * 3) % 2 else 20)


@pytest.mark.parametrize("change", [lamp, hunting])
def test_light_is_no_motion(change: Change) -> None:
    assert alarms(watch(frames(9, change))) == []


def test_texture_that_a_codec_wipes_out_as_the_light_fades_is_no_body() -> None:
    """Three curtains, darkest at the end; nobody is there."""
    random, fps = np.random.default_rng(3), 8.33
    texture = cv2.GaussianBlur(random.normal(size=(200, 200)).astype(np.float32), (0, 0), 1.5)
    curtains = np.zeros((200, 200))
    for left in (20, 80, 140):
        curtains[10:190, left : left + 24] = 1
    detector, seen = RobustDetector(), []
    for index in range(round(8.5 * fps)):
        fading = np.clip((index / fps - 6) / 0.6, 0, 1)
        left_of_it = 1 - np.clip((fading - 0.7) / 0.3, 0, 1)
        light = 80 * (1 - 0.4 * fading) * (1 - 0.3 * fading * curtains)
        scene = light * (1 + 0.25 * left_of_it * curtains * texture / texture.std())
        noisy = np.clip(scene + random.normal(0, 0.4, scene.shape), 0, 255).astype(np.uint8)
        seen.append(detector.detect(noisy, index / fps))
    assert any(detection.blind for detection in seen)
    assert not any(detection.motion for detection in seen)


@pytest.mark.slow
def test_what_always_moves_is_soon_no_motion() -> None:
    assert not [time_s for time_s in alarms(watch(frames(12, blinking))) if time_s > 3]


@pytest.mark.slow
def test_who_comes_in_as_the_lamp_goes_on_is_seen() -> None:
    found = alarms(watch(frames(9, lambda image, time_s: lamp(walker(image, time_s), time_s))))
    assert found
    assert found[0] < 5.5


CLOSE: Path = ((0.0, 0.0, 1.6), (1.0, 1.0, 1.6))
"""Right past the lens, feet below the picture."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weather", "least_share"), [((), 0.5), (("trees",), 0.4), (("night",), 0.1), (("rain",), 0.1)], ids=str
)
@pytest.mark.parametrize(("seed", "fps"), [(1, FPS), (2, FPS), (3, 7.0)])
def test_somebody_right_before_the_lens_is_no_lamp(
    weather: tuple[str, ...], least_share: float, seed: int, fps: float
) -> None:
    """At this size more than half of the picture changes from one picture to the next."""
    scene = DemoScene(SIZE, visits=(Visit(5.0, 1.5, CLOSE, 3.0),), weather=weather, seed=seed)
    seen = watch(frames(8, scene=scene, fps=fps))
    visible = [(time_s, detection) for time_s, detection in seen if scene.figure_box(time_s)]
    found = alarms(visible)
    assert found
    assert found[0] - visible[0][0] <= 0.5
    assert len(found) >= least_share * len(visible)
    assert not [time_s for time_s in alarms(seen) if time_s < 5 or time_s > visible[-1][0] + 0.3]


AT_WORK: Path = (
    (0.0, 0.0, 0.8),
    *((0.1 + 0.8 * step / 20, 0.5 + 0.015 * np.sin(2.4 * step), 0.8) for step in range(21)),
    (1.0, 1.0, 0.8),
)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [7.0, 15.0])
def test_who_works_in_one_place_is_not_learnt_away(fps: float) -> None:
    """No alarm is farther from the next one than a recording is held open."""
    scene = DemoScene(SIZE, visits=(Visit(5.0, 50.0, AT_WORK, 1.25),), weather=("table",))
    found = alarms(watch(frames(58, scene=scene, fps=fps)))
    assert max(np.diff([*found, 55.0])) <= 10
    assert found[-1] < 55.4


@pytest.mark.slow
def test_what_begins_to_blink_where_somebody_stood_is_soon_no_motion() -> None:
    def change(image: Image, time_s: float) -> Image:
        image = box(image, min(120.0, 60 * (time_s - 4)) if time_s < 9 else -90, 100, 60, 90, 62)
        return box(image, 130, 120, 24, 24, 120 if int(time_s * 3) % 2 else 90) if time_s >= 12 else image

    found = alarms(watch(frames(60, change)))
    assert found
    assert not [time_s for time_s in found if time_s > 45]


def test_camera_that_is_moved_is_no_motion() -> None:
    """Everything is replaced, as by a body, but everywhere at once."""

    def moved(image: Image, time_s: float) -> Image:
        image = image.copy()
        image[-16:] = image[:24] = 90  # the strip and the clock, which change all the time
        by = 22 if time_s >= 4 else 0
        return cv2.warpAffine(image, np.float32([[1, 0, by], [0, 1, by / 2]]), SIZE)  # type: ignore[return-value, arg-type]

    assert alarms(watch(frames(9, moved))) == []


def test_flicker_does_not_blind_for_ever() -> None:
    def flicker(image: Image, time_s: float) -> Image:
        image = walker(image, time_s)
        return cv2.convertScaleAbs(image, alpha=1.5 if int(time_s * FPS) % 2 else 1.0)  # type: ignore[return-value]

    seen = watch(frames(9, flicker))
    assert any(detection.blind for _, detection in seen)
    assert not all(detection.blind for time_s, detection in seen if time_s > 3)


def test_parked_car_ends_the_motion() -> None:
    """It drives in for a second and stays: no alarm long after, and none where it came from."""
    found = alarms(watch(frames(12, lambda image, t: box(image, min(120, 120 * (t - 4)) - 60, 120, 60, 40))))
    assert found
    assert found[-1] < 7


def test_what_flies_past_the_lens_leaves_nothing_beside_it() -> None:
    """It is so bright that the mean of all around changes, from picture to picture near the same place."""

    def insect(image: Image, time_s: float) -> Image:
        return box(image, 20 + 390 * (time_s - 4), 20, 20, 14) if 4 <= time_s < 4.75 else image

    assert not alarms(watch(frames(7, insect)))


# ---- its guards and its memory

OFF = {
    "second_reference_s": 0.0,
    "fit_light": False,
    "same_light": 0.0,
    "light_doubt": 0.0,
    "surroundings_px": 0,
    "noise_factor": 0.0,
    "habit_factor": 0.0,
    "light_fraction": 0.0,
    "density": 0.0,
    "persist_s": 0.0,
    "alive": 0.0,
    "own": 0.0,
    "small_px": 0.0,
    "reference_s": 0.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("guard", OFF)
def test_every_guard_can_be_off(guard: str) -> None:
    parameters = replace(RobustParameters(), **{guard: OFF[guard]})
    assert alarms(watch(frames(8, walker), parameters))


def test_with_all_guards_off_a_lamp_is_motion() -> None:
    assert alarms(watch(frames(6, lamp), replace(RobustParameters(), **OFF)))  # type: ignore[arg-type]


@pytest.mark.parametrize("every_s", [3.5, 10.0])
def test_a_camera_of_few_pictures_never_pauses(every_s: float) -> None:
    detector, still, found = RobustDetector(), yard().render(0.0, 0), []
    for index in range(40):
        there = 20 <= index < 30
        image = box(still, 30 * (index - 20), 100, 24, 62) if there else still
        if detector.detect(image, every_s * index).motion:
            found.append(index)
    assert 20 < found[0] <= 22
    assert found[-1] <= 30


@pytest.mark.parametrize("pause_s", [-1.0, 0.0, 10.0])
def test_pause_or_a_step_back_in_time_begins_anew(pause_s: float) -> None:
    detector = RobustDetector()
    for image, time_s in frames(5):
        detector.detect(image, time_s)
    other = box(yard().render(0, 0), 50, 50, 200, 150)
    seen = detector.detect(other, time_s + pause_s)
    assert (seen.changed_px, seen.motion) == (0, False)


def test_reset_forgets() -> None:
    detector = RobustDetector()
    for image, time_s in frames(5):
        detector.detect(image, time_s)
    detector.reset()
    for index in range(10):
        seen = detector.detect(box(yard().render(0, index), 50, 50, 90, 90), 5 + index / FPS)
        assert not seen.motion


@pytest.mark.slow
def test_standing_still_holds_for_the_whole_visit() -> None:
    """With the usual hold of 10 s, a visitor who stands for some seconds is one event."""
    scene = DemoScene(
        SIZE,
        visits=(Visit(5.0, 14.0, ((0.0, 1.0, 0.8), (0.25, 0.6, 0.7), (0.75, 0.6, 0.7), (1.0, 1.0, 0.8))),),
    )
    found = alarms(watch(frames(22, scene=scene)))
    assert found[0] < 7
    assert found[-1] > 16
    assert max(np.diff(found)) < 10


# ---- zones


def right_half() -> Zones:
    mask = np.zeros((10, 10), np.uint8)
    mask[:, 5:] = 255
    return Zones(mask)


@pytest.mark.slow
@pytest.mark.parametrize(
    "zones",
    [right_half(), Zones(None, [[(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]])],
    ids=["mask", "region"],
)
def test_only_what_is_looked_at_counts(zones: Zones) -> None:
    left, right = (
        alarms(
            watch(
                frames(9, lambda i, t, x=x: box(i, x, 130 + 20 * (t - 4) if t > 4 else -99, 30, 70)),
                None,
                zones,
            )
        )
        for x in (60, 220)
    )
    assert left == []
    assert right


# ---- how soon

SCALE_OF_2_PERCENT = 0.5845


@pytest.mark.slow
@pytest.mark.parametrize("path", [CROSSING, CROSSING_BACK])
@pytest.mark.parametrize("fps", [10.0, 12.5, 15.0, 20.0, 30.0])
def test_a_person_of_2_percent_is_found_within_0_3_s(fps: float, path: Path) -> None:
    """From the first visible pixel on, so that the pre-alarm shows the beginning; by who rests, as well."""
    scene = DemoScene((640, 480), visits=(Visit(3.0, 5.6, path, SCALE_OF_2_PERCENT),))
    _, _, width, height = scene.figure_box(3.0 + 2.8) or (0, 0, 0, 0)
    assert width * height == pytest.approx(0.02 * 640 * 480, rel=0.15)  # its arms swing
    begins_s = next(second for second in np.arange(3.0, 5.0, 0.005) if scene.figure_box(second))
    detector = RestingDetector(RobustDetector())
    pictures = frames(4.0, scene=scene, fps=fps)
    found_s = next(time_s for image, time_s in pictures if detector.detect(image, time_s).motion)
    assert 0 < found_s - begins_s <= 0.3


FAR: Path = ((0.0, 0.0, 0.62), (1.0, 1.0, 0.62))


@pytest.mark.slow
def test_who_is_far_and_faint_is_found_at_a_walkers_pace() -> None:
    """What travels needs less evidence."""
    scene = DemoScene((640, 480), visits=(Visit(6.0, 9.0, FAR, 0.6, 0.12),), seed=2)
    begins_s = next(second for second in np.arange(6.0, 8.0, 0.005) if scene.figure_box(second))
    found = alarms(watch(frames(8.0, scene=scene, fps=7.0)))
    assert 0 < found[0] - begins_s <= 1.1
