"""Tells light from a body, takes added light out of the picture, and waits while all the light changes.

Light scales what is there: edges and texture stay where they are. A body right before the lens replaces them.
Light that falls in makes nothing darker, a body seldom does so. Who enters while the lamp goes on is judged a
moment later, not lost; who moves beside the beams of a car is seen at once.
"""

import math
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.detection.exposure import BLACK, FINE, SAMPLE_STEP_PX, Picture, Plane, difference
from pynvr.detection.mask_filters import clear_specks, square
from pynvr.detection.parameters import RobustParameters
from pynvr.media.frame import Gray

Levels: TypeAlias = NDArray[np.float32]
"""Height x width, grey levels or their squares."""
Places: TypeAlias = NDArray[np.bool_]
"""Height x width."""

HALF = 2
"""Texture is sought in a picture that is smaller by this factor: at night noise hides finer texture."""
GRAIN_PX, PATCH_PX = 5, 9
"""Texture is what differs from its 5x5; it is compared patch by patch. Pixels of that smaller picture."""
LEAST_TEXTURE = 2.0
"""Grey levels, a deviation: coding makes up finer ones."""
TEXTURE_NOISE = 2.0
"""Texture is known again where it exceeds the noise by this factor, in both lights."""
KEPT = 0.5
"""Light shows this share of the dimmer picture's texture in the brighter one again; a body hides it."""
ALIKE = 0.2
"""Least correlation of the same patch in two lights; that of different patches is near 0."""
GLARE = 230
"""Grey levels: near the end of the range texture is lost."""
LEAST_KNOWN = 0.04
"""Share of the picture that has to have texture, else nothing can be told."""
EVERYWHERE = 0.9
"""If this share of all texture changes at once, the camera was moved or switched: nobody comes in so fast."""
BODY = 0.33
"""Least share of the texture that a body replaces. Measured: 0.36 or more by somebody who fills the picture,
0.32 at most by beams through a gate."""
LEAST_LIT, STILL_LIT = 0.03, 0.0075
"""Light falls in on so much of the picture; the rest of it is light as well."""
DARKER = 0.03
"""Less than this share of what was lit got darker. Measured: 0.01 in beams, nearly always more in people."""
KNOWN_LIT = 0.1
"""Least share of what was lit that has texture."""
JOIN_PX = 7
"""The stripes of light between a gate's bars are one."""
LIT_MOVES = 0.1
"""Share of what is lit that changes from picture to picture while a beam moves."""
COHERENT = 0.5
"""Share of its surroundings that changed with a pixel of a body; noise and rain are specks."""
CHANGED = 127.0
"""Above it, more than half of the pixels that were made into one have changed."""


def compare_texture(old: Gray, now: Gray, noise: float) -> tuple[Places, Places]:
    """Say where texture is known, and where it is kept, in a picture smaller by `HALF`.

    It is known where texture of either picture would be seen in the other one if only the light had changed,
    and kept where it is in both. Light may add some, the shadow of a gate for example: where it got brighter,
    only the old texture counts. `noise` is the mean difference of the pictures in grey levels.
    """
    a, b = _halved(old), _halved(now)
    a_mean, b_mean = _mean(a, PATCH_PX), _mean(b, PATCH_PX)
    a, b = a - _mean(a, GRAIN_PX), b - _mean(b, GRAIN_PX)
    a_power, b_power = _mean(a * a, PATCH_PX), _mean(b * b, PATCH_PX)
    least = max(LEAST_TEXTURE, TEXTURE_NOISE * noise) ** 2
    gain = (b_mean + BLACK) / (a_mean + BLACK)
    old_lasts = a_power * np.minimum(gain, 1) ** 2 > least
    new_lasted = (b_power > least) & (gain < 1)
    known = (old_lasts | new_lasted) & (np.maximum(a_mean, b_mean) < GLARE)
    common = _mean(a * b, PATCH_PX)
    kept = old_lasts & (common > KEPT * gain * a_power) | new_lasted & (common > KEPT / gain * b_power)
    # of a flat patch the running sums may make the power less than 0
    kept &= common > ALIKE * np.sqrt(np.maximum(a_power * b_power, 0))
    return known, kept


def coherent(change: Plane, level: float) -> Gray:
    """255 where a pixel and most of those around it changed by more than `level` grey levels."""
    changed = (change > level * FINE).astype(np.uint8) * 255
    clear_specks(changed, COHERENT)
    return changed


def is_body(old: Gray, now: Gray, noise: float, changed: Gray) -> bool:
    """Whether a body changed what is `changed` (not 0) since a moment ago; False if that cannot be told."""
    everywhere, kept = compare_texture(old, now, noise)
    known = (_halved(changed) > CHANGED) & everywhere
    count = np.count_nonzero(known)
    if count < LEAST_KNOWN * known.size or count > EVERYWHERE * np.count_nonzero(everywhere):
        return False
    return np.count_nonzero(known & ~kept) > BODY * count


def lit_places(
    before: Gray, now: Gray, changed: Gray, level: float, noise: float, least: float
) -> Gray | None:
    """255 where light was added; None if it was not.

    `changed` is not 0 where the picture changed by more than `level`; a place takes `least` of the picture.
    """
    where = _halved(changed) > CHANGED
    darker = _halved(now) < _halved(before) - level
    count, labels = cv2.connectedComponents(cv2.dilate(where.astype(np.uint8), square(JOIN_PX)))

    def sizes(chosen: Places) -> NDArray[np.intp]:
        return np.bincount(labels[chosen & where], minlength=count)

    area = sizes(where)
    lit = (area > least * where.size) & (sizes(darker) < DARKER * area)
    if lit.any():
        known, kept = compare_texture(before, now, noise)
        lit &= (sizes(known) > KNOWN_LIT * area) & (sizes(known & kept) > (1 - BODY) * sizes(known))
    if not lit.any():
        return None
    places = np.where(lit, np.uint8(255), np.uint8(0))[labels]
    return cast(Gray, cv2.resize(places, changed.shape[::-1], interpolation=cv2.INTER_NEAREST))


def _halved(plane: Gray) -> Levels:
    height, width = (max(1, side // HALF) for side in plane.shape)
    levels = plane.astype(np.float32)
    return cv2.resize(levels, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _mean(values: Levels, side_px: int) -> Levels:
    return cv2.blur(values, (side_px, side_px))  # type: ignore[return-value]


class Settling:
    """Says whether the light is changing, from picture to picture.

    It is changing until it has been quiet for `settle_s`. After `limit_s` of unrest the waiting ends, and
    none begins for `light_rest_s`: a flickering lamp would blind the detector for ever.
    """

    def __init__(self, parameters: RobustParameters, limit_s: float) -> None:
        self._p = parameters
        self._limit_s = limit_s
        self._until_s = self._since_s = self._not_before_s = -math.inf

    def waiting(self, unrest: bool, time_s: float) -> bool:
        """Take whether the light changed in this picture; True while no answer can be given."""
        if unrest and time_s > self._not_before_s:
            if time_s > self._until_s:
                self._since_s = time_s
            self._until_s = time_s + self._p.settle_s
            if time_s - self._since_s > self._limit_s:
                self._until_s, self._not_before_s = time_s, time_s + self._p.light_rest_s
        return time_s < self._until_s


class AddedLight:
    """Takes the light out of pictures that was added to what is there, as by a car that drives past.

    Where it falls the picture from before is shown. Light that comes to rest has come to stay, as a lamp's.
    """

    def __init__(self, parameters: RobustParameters) -> None:
        self._settling = Settling(parameters, parameters.beam_limit_s)
        self._fit_light = parameters.fit_light
        self._latest: NDArray[np.float32] | None = None
        self.begin()

    def begin(self) -> None:
        """Take the light that there is for the usual one."""
        self._before: Picture | None = None

    def without(self, now: Picture, before: Picture, level: float, noise: float) -> Gray | None:
        """The grey picture as it was without that light; None if that light has come to stay.

        `before` is an earlier picture; while light is there, the one from before it counts. What changed by
        no more than `level` did not change.
        """
        was_lit = self._before is not None
        before = self._before or before
        lit = self._lit(now, before, level, noise, was_lit)
        moving = 0
        if lit is not None and self._latest is not None:
            moving = SAMPLE_STEP_PX**2 * np.count_nonzero(np.abs(now.sample - self._latest) > level)
        self._latest = now.sample
        lasts = self._settling.waiting(
            lit is not None and moving > LIT_MOVES * cv2.countNonZero(lit), now.time_s
        )
        self._before = before if lasts else None
        if lit is None or not (lasts or was_lit):
            return now.gray
        return cast(Gray, np.where(lit, before.gray, now.gray)) if lasts else None

    def _lit(self, now: Picture, before: Picture, level: float, noise: float, was_lit: bool) -> Gray | None:
        least = STILL_LIT if was_lit else LEAST_LIT
        more = now.sample - before.sample
        brighter, darker = np.count_nonzero(more > level), np.count_nonzero(more < -level)
        if brighter < max(least * more.size, 2 * darker):
            return None  # quick, and nearly always so
        # beams over half of the picture cannot be told from another exposure, which is seldom new right then
        change = difference(before, now, self._fit_light and not was_lit, 0, True)
        return lit_places(before.gray, now.gray, coherent(change, level), level, noise, least)
