"""The robust detector: the classic stages with guards against light, weather and noise.

Scale, grey, blur; the difference to two older pictures of the same light; a threshold that follows the noise
and each pixel's habits; density, persistence, dilate, erode, contours; tracks, whose evidence decides. All
windows are seconds, so that 3 and 30 frames a second behave alike. Each guard can be switched off.
"""

import math
from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.detection.detector import Detection, blurred, scaled_gray
from pynvr.detection.exposure import FINE, Picture, Plane, count_above, difference, remember
from pynvr.detection.light_change import AddedLight, Settling, coherent, is_body
from pynvr.detection.mask_filters import Persistence, clear_specks, closed, within
from pynvr.detection.parameters import RobustParameters
from pynvr.detection.pixel_variance import Habits
from pynvr.detection.reference_frames import References
from pynvr.detection.tracks import Blob, Track, Tracker
from pynvr.detection.zones import Zones
from pynvr.media.frame import Gray, Image

AREA_WIDTH_PX = 500
"""Areas are told in pixels of a picture with this longer side, whatever it works at."""
LONGEST_GAP_S, LONGEST_STEPS = 3.0, 1.5
"""After a longer pause the scene is looked at anew, unless the one before was nearly as long."""
NOISE_MEMORY_S = 2.0
CLIPPED_MEAN = 1.25
"""Makes up for what the noise's mean loses by leaving out what moves."""
FEWEST_PX = 4
LEAST_BODY = 0.5
"""Of the share at which a change counts as light: who alters the level of most pixels changes more. In the
growing dark a codec wipes out texture in less of the picture, and would pass for a body."""
EVIDENCE_S = 0.1
"""A score is the area that weighs, in this time, as much as the evidence, which is area x time."""
ALMOST = 0.95
"""Share of the threshold at which the score of a blob stops that has lasted but has yet to travel."""


class RobustDetector:
    """Follows what changes, and says motion when it has lasted."""

    def __init__(self, parameters: RobustParameters | None = None, zones: Zones | None = None) -> None:
        self._p = parameters or RobustParameters()
        self.area_threshold_px = self._p.area_threshold_px
        self.zones = zones or Zones()
        self.reset()

    def reset(self) -> None:
        """Forget everything seen."""
        p = self._p
        self._references = References(p)
        self._habits = Habits(p)
        self._settling = Settling(p, p.light_limit_s)
        self._added_light = AddedLight(p)
        self._persistence = Persistence(p)
        self._tracker = Tracker(p)
        self._noise = 1.0  # mean difference of a still picture, grey levels
        self._covered_s = 0.0  # for how long somebody close has filled the picture
        self._last_s, self._step_s = -math.inf, 0.0
        self._shape: tuple[int, ...] = ()

    def reduced(self, image: Image | Gray) -> Gray:
        """The grey picture of the size to work on."""
        height, width = image.shape[:2]
        shrink = min(1.0, math.sqrt(self._p.work_px / (width * height)))
        return scaled_gray(image, max(1, round(width * shrink)))

    def detect(self, image: Image | Gray, time_s: float) -> Detection:
        """Judge the next picture; nothing moves in the first one."""
        small = image if image.ndim == 2 else self.reduced(image)
        gray = blurred(self.zones.shown(small), self._p.blur_px)
        visible = self.zones.drawn(gray.shape[1], gray.shape[0])
        now = remember(gray, time_s, self._p.surroundings_px, visible)
        step_s, before_s = time_s - self._last_s, self._step_s
        if gray.shape != self._shape or not 0 < step_s < max(LONGEST_GAP_S, LONGEST_STEPS * before_s):
            self.reset()
            self._shape = gray.shape
            self._last_s, self._step_s = time_s, step_s if math.isfinite(step_s) else 0.0
            return self._begin(now)
        self._last_s, self._step_s = time_s, step_s
        self._tracker.require(self.area_threshold_px * EVIDENCE_S)

        if self._p.light_fraction:
            unlit = self._added_light.without(now, self._references.oldest, self._changed_by, self._noise)
            if unlit is None:
                return self._begin(now, blind=True)
            if unlit is not gray:
                now = remember(unlit, time_s, self._p.surroundings_px, visible)
        fresh = self._difference(self._references.recent(now), now)
        if self._p.light_fraction and self._light_changes(fresh, now, visible, step_s):
            return self._begin(now, blind=True)
        if not 0 < self._covered_s <= self._p.light_limit_s:  # a body before the lens is no noise
            self._follow_noise(fresh, step_s)
        old = self._references.of_age(self._p.reference_s, now)
        change = self._difference(old, now)
        mask = self._changed(change, now)
        if self._p.habit_factor:
            self._habits.learn(change, step_s, self._tracker.occupied)
        self._references.add(now)
        if self._p.density and cv2.hasNonZero(mask):
            clear_specks(mask, self._p.density)
        if self._p.persist_s:
            mask = self._persistence.lasting(mask, time_s, step_s)
        return self._judge(now, old, change, mask, fresh, step_s)

    def _begin(self, now: Picture, blind: bool = False) -> Detection:
        """A new scene or a new light: what came before is no reference, but habits stay."""
        self._references.begin(now)
        self._added_light.begin()
        self._habits.begin(now.gray.shape)
        self._persistence.begin(now.time_s, now.gray.shape)
        self._tracker.clear()
        nothing = np.zeros_like(now.gray)
        return Detection(now.gray, nothing, nothing, 0, False, 0.0, self.area_threshold_px, blind)

    def _difference(self, old: Picture, now: Picture) -> Plane:
        p = self._p
        return difference(old, now, p.fit_light, p.light_doubt, p.surroundings_px > 0)

    @property
    def _changed_by(self) -> float:
        """Grey levels that are more than noise for whatever is large."""
        return max(self._p.floor, 3 * self._noise)

    def _light_changes(self, fresh: Plane, now: Picture, visible: Gray | None, step_s: float) -> bool:
        p = self._p
        looked_at = cv2.countNonZero(visible) if visible is not None else fresh.size
        changed = count_above(fresh, self._changed_by) / max(1, looked_at)
        unrest, body = changed > p.light_fraction or self._references.lost(now), False
        if unrest and changed > LEAST_BODY * p.light_fraction:
            before = self._references.recent(now).gray
            body = is_body(before, now.gray, self._noise, coherent(fresh, self._changed_by))
        self._covered_s = self._covered_s + step_s if body else 0.0
        return self._settling.waiting(unrest and not body, now.time_s)

    def _follow_noise(self, fresh: Plane, step_s: float) -> None:
        """The mean change of what does not move, over some seconds."""
        clipped = cv2.threshold(fresh, (3 * self._noise + 2) * FINE, 0, cv2.THRESH_TRUNC)[1]
        noise = CLIPPED_MEAN * cast("tuple[float, ...]", cv2.mean(clipped))[0] / FINE
        self._noise += (noise - self._noise) * -math.expm1(-step_s / NOISE_MEMORY_S)

    def _changed(self, change: Plane, now: Picture) -> Gray:
        """255 where a pixel differs from both references by more than noise and its own habits explain."""
        mask = self._unusual(change)
        if self._p.second_reference_s and cv2.hasNonZero(mask):
            second = self._references.of_age(self._p.second_reference_s, now)
            cv2.bitwise_and(mask, self._unusual(self._difference(second, now)), dst=mask)
        return mask

    @property
    def _least(self) -> float:
        """Grey levels that a pixel has to change by."""
        return max(self._p.floor, self._p.noise_factor * self._noise)

    def _unusual(self, change: Plane) -> Gray:
        if self._p.habit_factor:
            return self._habits.unusual(change, self._least)
        return (change > self._least * FINE).astype(np.uint8) * 255

    def _judge(
        self, now: Picture, old: Picture, change: Plane, mask: Gray, fresh: Plane, step_s: float
    ) -> Detection:
        """Make blobs of the mask, tracks of the blobs, and the answer of the tracks."""
        p = self._p
        px_area = (AREA_WIDTH_PX / max(mask.shape)) ** 2
        blobs: list[Blob] = []
        if cv2.countNonZero(mask) >= FEWEST_PX:
            mask = closed(mask, p.close_px)
            own = cv2.threshold(cv2.absdiff(now.gray, old.gray), self._least, 255, cv2.THRESH_BINARY)[1]
            blobs = self._blobs(mask, fresh, cast(Gray, own), px_area)
        settled = self._references.reach_back(p.second_reference_s, now)
        if not settled:
            # until both references exist, a drawn clock looks like a small thing that travels
            blobs = [blob for blob in blobs if blob.area_px >= p.small_px]
        objects = self._tracker.update(blobs, now.time_s, step_s, px_area, settled)
        return Detection(
            now.gray,
            cast(Gray, cv2.convertScaleAbs(change, alpha=1 / FINE)),
            mask,
            round(cv2.countNonZero(mask) * px_area),
            bool(objects),
            self._score(objects, now.time_s),
            self.area_threshold_px,
        )

    def _score(self, objects: Sequence[Track], time_s: float) -> float:
        """The best track's evidence as pixels for 0.1 s; short of the threshold while it is no object yet."""
        seen = objects or [track for track in self._tracker.tracks if track.seen_s == time_s]
        score = max((track.evidence / EVIDENCE_S for track in seen), default=0.0)
        return score if objects else min(score, ALMOST * self.area_threshold_px)

    def _blobs(self, mask: Gray, fresh: Plane, own: Gray, px_area: float) -> list[Blob]:
        """The blobs that are large enough and change at this moment; `own` is 0 where the grey did not."""
        p = self._p
        limit = max(0.75 * p.floor, 4 * self._noise)
        blobs: list[Blob] = []
        contours: Sequence[NDArray[np.int32]]
        contours, _ = cv2.findContours(  # type: ignore[assignment]
            mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        for contour in contours:
            x, y, width, height = cv2.boundingRect(contour)
            if width * height * px_area < p.least_area_px:
                continue
            where = within((x, y, width, height))
            area_px = cv2.countNonZero(mask[where]) * px_area
            moving_px = count_above(fresh[where], limit) * px_area
            own_px = cv2.countNonZero(own[where]) * px_area
            if area_px >= p.least_area_px and moving_px >= p.alive * area_px and own_px >= p.own * area_px:
                blobs.append(Blob((x, y, width, height), area_px))
        return blobs
