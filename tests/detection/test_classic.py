"""The detector's stages, their exact counts on drawn pictures, and every shape of picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pynvr.detection.classic import ClassicDetector, ClassicParameters, changed_mask
from pynvr.detection.detector import Detection, scaled_gray
from pynvr.media.frame import Image

WIDTH, HEIGHT = 500, 376
EXACT = ClassicParameters(blur_px=1, dilate_iterations=0, erode_iterations=0)
"""Without blur and morphology a picture as wide as the detector's counts pixel for pixel."""


def picture(
    *boxes: tuple[int, int, int, int], level: int = 200, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Image:
    """Grey 100 with brighter boxes (x, y, width, height)."""
    image = np.full((size[1], size[0], 3), 100, np.uint8)
    for x, y, width, height in boxes:
        image[y : y + height, x : x + width] = level
    return image


def second_of(first: Image, second: Image, parameters: ClassicParameters | None = None) -> Detection:
    detector = ClassicDetector(parameters)
    detector.detect(first)
    return detector.detect(second)


# ---- the stages


@pytest.mark.parametrize(
    ("size", "scaled"),
    [
        ((640, 480), (500, 375)),
        ((1920, 1080), (500, 281)),
        ((480, 640), (500, 667)),
        ((160, 120), (500, 375)),
        ((500, 100), (500, 100)),
        ((1001, 333), (500, 166)),
        ((1, 1), (500, 500)),
        ((5000, 1), (500, 1)),
        ((3840, 2160), (500, 281)),
    ],
    ids=str,
)
def test_stages_of_every_size(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    seen = second_of(picture(size=size), picture(level=250, size=size))
    for stage in (seen.gray, seen.difference, seen.mask):
        assert (stage.shape[1], stage.shape[0]) == scaled
        assert stage.dtype == np.uint8
    assert set(np.unique(seen.mask)) <= {0, 255}
    assert seen.changed_px == 0  # nothing differs


def test_size_of_the_scaled_picture_is_a_parameter() -> None:
    seen = ClassicDetector(ClassicParameters(width_px=320)).detect(picture(size=(640, 480)))
    assert seen.gray.shape == (240, 320)


def test_gray_is_that_of_the_picture() -> None:
    rng = np.random.default_rng(5)
    image = cv2.GaussianBlur(rng.integers(0, 256, (768, 1024, 3), np.uint8), (0, 0), 6)
    expected = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (500, 375), interpolation=cv2.INTER_AREA)
    assert np.abs(scaled_gray(image, 500).astype(int) - expected).max() <= 4  # type: ignore[arg-type]


def test_difference_is_in_grey_levels() -> None:
    seen = second_of(picture(), picture((100, 100, 50, 40), level=130), EXACT)
    assert np.all(seen.difference[100:140, 100:150] == 30)
    assert np.count_nonzero(seen.difference) == 50 * 40


# ---- exact counts


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([(0, 0, 1, 1)], 1, id="a corner"),
        pytest.param([(10, 10, 50, 30)], 1500, id="a box"),
        pytest.param([(10, 10, 50, 30), (200, 200, 7, 3)], 1521, id="two boxes"),
        pytest.param([(0, 0, WIDTH, HEIGHT)], WIDTH * HEIGHT, id="everything"),
    ],
)
def test_changed_pixels_are_counted_exactly(boxes: list[tuple[int, int, int, int]], expected: int) -> None:
    seen = second_of(picture(), picture(*boxes), EXACT)
    assert seen.changed_px == expected
    assert seen.motion == (expected >= 1500)


@pytest.mark.parametrize(("width", "motion"), [(29, False), (30, True)])
def test_area_threshold_itself_is_motion(width: int, motion: bool) -> None:
    assert second_of(picture(), picture((10, 10, 50, width)), EXACT).motion == motion


@pytest.mark.parametrize(("level", "expected"), [(110, 0), (111, 400), (90, 0), (89, 400)])
def test_pixel_threshold_has_to_be_exceeded_up_or_down(level: int, expected: int) -> None:
    assert second_of(picture(), picture((50, 50, 20, 20), level=level), EXACT).changed_px == expected


def test_dilation_reaches_eight_pixels_and_erosion_takes_back_four() -> None:
    parameters = ClassicParameters(blur_px=1)
    seen = second_of(picture(), picture((200, 200, 20, 20)), parameters)
    assert seen.changed_px == (20 + 2 * (8 - 4)) ** 2
    joined = second_of(picture(), picture((200, 200, 20, 20), (230, 200, 20, 20)), parameters)
    assert len(joined.contours()) == 1


def test_single_pixel_through_the_mask() -> None:
    difference = np.zeros((50, 50), np.uint8)
    difference[25, 25] = 11
    assert np.count_nonzero(changed_mask(difference, 10, 8, 4)) == 9 * 9
    assert np.count_nonzero(changed_mask(difference, 11, 8, 4)) == 0


def test_mask_next_to_the_edge_stays_inside() -> None:
    seen = second_of(picture(), picture((0, 0, 20, 20)), ClassicParameters(blur_px=1))
    assert seen.changed_px == 24 * 24


def test_blur_takes_single_pixels_out() -> None:
    noisy = picture()
    noisy[::25, ::25] = 255
    assert second_of(picture(), noisy, EXACT).changed_px > 0
    assert second_of(picture(), noisy).changed_px == 0


def test_contours_go_around_what_changed() -> None:
    seen = second_of(picture(), picture((100, 60, 40, 30)), EXACT)
    (contour,) = seen.contours()
    assert cv2.boundingRect(contour) == (100, 60, 40, 30)
    assert ClassicDetector().detect(picture()).contours() == ()


# ---- what a picture is compared with


def test_first_picture_is_no_motion() -> None:
    seen = ClassicDetector().detect(picture((0, 0, 300, 300)))
    assert (seen.changed_px, seen.motion) == (0, False)
    assert not seen.difference.any()


def test_compares_with_the_picture_before_not_with_the_first() -> None:
    detector = ClassicDetector()
    moved = picture((100, 100, 100, 100))
    answers = [detector.detect(image).motion for image in (picture(), moved, moved, picture())]
    assert answers == [False, True, False, True]


def test_reset_forgets_the_picture_before() -> None:
    detector = ClassicDetector()
    detector.detect(picture())
    detector.reset()
    assert not detector.detect(picture((0, 0, 300, 300))).motion


def test_other_shape_counts_as_the_first_picture() -> None:
    detector = ClassicDetector()
    detector.detect(picture(size=(640, 480)))
    assert not detector.detect(picture((0, 0, 300, 300), size=(640, 360))).motion
    assert detector.detect(picture(size=(640, 360))).motion


def test_picture_is_not_touched() -> None:
    image = picture((10, 10, 100, 100))
    before = image.copy()
    image.flags.writeable = False
    second_of(picture(), image)
    assert np.array_equal(image, before)


def test_stages_of_a_picture_outlive_the_next_one() -> None:
    detector = ClassicDetector()
    detector.detect(picture())
    seen = detector.detect(picture((100, 100, 100, 100)))
    kept = [stage.copy() for stage in (seen.gray, seen.difference, seen.mask)]
    detector.detect(picture((0, 0, 400, 300), level=30))
    for stage, copy in zip((seen.gray, seen.difference, seen.mask), kept, strict=True):
        assert np.array_equal(stage, copy)


# ---- contrast


@pytest.mark.parametrize("normalize", [False, True])
def test_stretching_the_contrast_makes_faint_things_move(normalize: bool) -> None:
    first, second = (picture((x, 100, 60, 60), level=106) for x in (100, 250))
    parameters = ClassicParameters(normalize_contrast=normalize)
    assert second_of(first, second, parameters).motion == normalize


def test_flat_picture_can_be_stretched() -> None:
    parameters = ClassicParameters(normalize_contrast=True)
    assert not second_of(picture(), picture(), parameters).motion
