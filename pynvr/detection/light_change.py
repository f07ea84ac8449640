"""Tells light from a body, and waits while the light changes.

Light scales what is there: edges and texture stay where they are. A body right before the lens replaces them.
Who enters while the lamp goes on is judged a moment later, not lost.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.detection.exposure import BLACK
from pynvr.media.frame import Gray

Levels: TypeAlias = NDArray[np.float32]
"""Height x width, grey levels or their squares."""

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
BODY, LIGHT = 0.33, 0.1
"""Limits for the share of the texture that seems to be replaced. Measured: 0.36 or more by somebody who fills
the picture, 0.17 by somebody smaller; at most 0.26 by beams through a gate, 0.06 by those that fall in."""
SUSPECT = 0.6
"""From this share of `light_fraction` on, a change of less is light if the texture proves it."""
CHANGED = 127.0
"""Above it, more than half of the pixels that were made into one have changed."""


def texture_replaced(old: Gray, now: Gray, changed: Gray, noise: float, at_once: bool) -> float:
    """The share of the texture in `changed` (0: it is not) that is gone or new; NaN where none can be told.

    Looks where texture of either picture would be seen in the other one if only the light had changed. Light
    may add some, the shadow of a gate for example: where it got brighter, only the old texture counts.
    `at_once`: `old` is the picture of a moment ago.
    """
    a, b, share_changed = _halved(old), _halved(now), _halved(changed)
    a_mean, b_mean = _mean(a, PATCH_PX), _mean(b, PATCH_PX)
    a, b = a - _mean(a, GRAIN_PX), b - _mean(b, GRAIN_PX)
    a_power, b_power = _mean(a * a, PATCH_PX), _mean(b * b, PATCH_PX)
    least = max(LEAST_TEXTURE, TEXTURE_NOISE * noise) ** 2
    gain = (b_mean + BLACK) / (a_mean + BLACK)
    old_lasts = a_power * np.minimum(gain, 1) ** 2 > least
    new_lasted = (b_power > least) & (gain < 1)
    textured = (old_lasts | new_lasted) & (np.maximum(a_mean, b_mean) < GLARE)
    known = (share_changed > CHANGED) & textured
    count = np.count_nonzero(known)
    if count < LEAST_KNOWN * known.size or (at_once and count > EVERYWHERE * np.count_nonzero(textured)):
        return math.nan
    common = _mean(a * b, PATCH_PX)
    kept = old_lasts & (common > KEPT * gain * a_power) | new_lasted & (common > KEPT / gain * b_power)
    # of a flat patch the running sums may make the power less than 0
    kept &= common > ALIKE * np.sqrt(np.maximum(a_power * b_power, 0))
    return np.count_nonzero(known & ~kept) / count


def _halved(plane: Gray) -> Levels:
    height, width = (max(1, side // HALF) for side in plane.shape)
    levels = plane.astype(np.float32)
    return cv2.resize(levels, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _mean(values: Levels, side_px: int) -> Levels:
    return cv2.blur(values, (side_px, side_px))  # type: ignore[return-value]


class Settling:
    """Says whether the light is changing, from picture to picture.

    It is changing until it has been quiet for `quiet_s`. After `limit_s` of unrest
    the waiting ends, and none begins for `rest_s`: a flickering lamp would blind
    the detector for ever.
    """

    def __init__(self, quiet_s: float, limit_s: float, rest_s: float) -> None:
        self._quiet_s = quiet_s
        self._limit_s = limit_s
        self._rest_s = rest_s
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._until_s = self._since_s = self._not_before_s = -math.inf

    def waiting(self, unrest: bool, time_s: float) -> bool:
        """Take whether the light changed in this picture; True while no answer can be given."""
        if unrest and time_s > self._not_before_s:
            if time_s > self._until_s:
                self._since_s = time_s
            self._until_s = time_s + self._quiet_s
            if time_s - self._since_s > self._limit_s:
                self._until_s, self._not_before_s = time_s, time_s + self._rest_s
        return time_s < self._until_s
