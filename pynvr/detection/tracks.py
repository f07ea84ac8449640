"""Which changes are objects: blobs of changed pixels followed from picture to picture.

A blob by itself says little: rain, an insect or a leaf makes one too. But a person or a car *lasts*. So each
blob is followed, and its track gathers evidence, area x time, in px s of a picture
500 px wide: 1500 px for 0.1 s, or 300 px for 0.5 s, weigh the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pynvr.detection.parameters import EARLY_S, RobustParameters

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the work picture."""

LONGEST_STEP_S = 0.5
"""A gap between two pictures counts as no more than this."""
REACH_PX = 4
TRAVEL_WEIGHT = 2.0
"""What has travelled by its own size counts so much more: noise stays where it is."""
WALKING_PACE = 5.0
"""Of its own sizes a second. Measured: 3 to 5 by far walkers, 6 or more by flakes and insects."""
MOST_GROWTH = 1.25
"""From one picture to the next somebody who walks in grows by about so much; a gust of rain grows by more."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Something that changed."""

    box: Box
    area_px: float
    """Of the picture 500 px wide."""


@dataclass(slots=True)
class Track:
    """One thing in time; `confirmed` becomes True when its evidence suffices. Only `require` undoes it."""

    box: Box
    seen_s: float
    start: tuple[float, float]
    """Centre at the beginning, work pixels."""
    evidence: float
    """Area x time, px s."""
    before: float
    """The part of it for the time before the first sight, px s; it grows with the blob."""
    moved: float = 0.0
    """Farthest from the start, work pixels."""
    confirmed: bool = False
    travelled: bool = False
    """By its own size, as a twig does not."""


class Tracker:
    """Blobs in, tracks out."""

    def __init__(self, parameters: RobustParameters) -> None:
        self._p = parameters
        self._evidence_px_s = math.inf
        self.tracks: list[Track] = []
        self._resting: list[Track] = []

    @property
    def confirmed(self) -> list[Track]:
        """The tracks that are objects."""
        return [track for track in self.tracks if track.confirmed]

    @property
    def occupied(self) -> list[Box]:
        """Where objects are, those that stand still too."""
        return [track.box for track in (*self.confirmed, *self._resting)]

    def require(self, evidence_px_s: float) -> None:
        """Confirm tracks from this evidence on; a track with less is no longer confirmed."""
        self._evidence_px_s = evidence_px_s
        for track in self.tracks:
            track.confirmed = track.confirmed and track.evidence >= evidence_px_s

    def clear(self) -> None:
        """Forget all tracks."""
        self.tracks.clear()
        self._resting.clear()

    def update(
        self, blobs: Sequence[Blob], time_s: float, step_s: float, px_area: float, settled: bool = True
    ) -> list[Track]:
        """Give each blob, largest first, to the nearest track; return the objects that are seen now.

        `px_area` is how many px of the 500 px wide picture a work pixel is. Unless the scene or its light is
        new (not `settled`), a large blob of a slow camera is an object at once: what persists there was in
        two pictures so far apart that a third one would come late.
        """
        p = self._p
        at_once = settled and step_s >= p.first_s - EARLY_S
        # what persists was in the picture before, too; where that is small it may have been another flake
        large_age_s = max(p.first_s, min(step_s, LONGEST_STEP_S))
        free = list(self.tracks)
        for blob in sorted(blobs, key=lambda blob: -blob.area_px)[: p.most_blobs]:
            track = max(free, key=lambda track: _nearness(track.box, blob.box), default=None)
            large = blob.area_px >= p.small_px
            before = blob.area_px * (large_age_s if large else p.first_s)
            if track is None or not _nearness(track.box, blob.box):
                confirmed = at_once and before >= self._evidence_px_s and large
                new = Track(blob.box, time_s, _centre(blob.box), before, before, confirmed=confirmed)
                self.tracks.append(new)
                continue
            free.remove(track)
            for part in [part for part in free if _inside(part.box, blob.box)]:
                # what entered as head and legs is one: its parts' evidence adds up
                track.evidence += part.evidence
                free.remove(part)
                self.tracks.remove(part)
            lasted_s = min(time_s - track.seen_s, LONGEST_STEP_S)
            track.evidence += blob.area_px * lasted_s
            before = min(before, MOST_GROWTH * track.before)
            if before > track.before:
                track.evidence += before - track.before
                track.before = before
            step_px = math.dist(_centre(track.box), _centre(blob.box))
            track.box, track.seen_s = blob.box, time_s
            track.moved = max(track.moved, math.dist(track.start, _centre(blob.box)))
            size_px = math.sqrt(blob.area_px / px_area)
            travels = track.moved >= size_px
            if travels and not track.travelled and step_px <= WALKING_PACE * size_px * lasted_s:
                track.evidence *= TRAVEL_WEIGHT
            track.travelled = track.travelled or travels
            if track.evidence >= self._evidence_px_s and (large or travels):
                track.confirmed = True
        self._forget(time_s, max(p.forget_s, 1.5 * step_s))
        return [track for track in self.confirmed if track.seen_s == time_s]

    def _forget(self, time_s: float, keep_s: float) -> None:
        """Drop tracks unseen for longer than `keep_s`; keep the places of those that travelled there."""
        for track in self.tracks:
            if track.confirmed and time_s - track.seen_s > keep_s:
                for place in self._resting:
                    if _inside(track.box, place.box):
                        place.seen_s = track.seen_s
                self._resting += [track] if track.travelled else []
        self.tracks = [track for track in self.tracks if time_s - track.seen_s <= keep_s]
        resting = [place for place in self._resting if time_s - place.seen_s <= self._p.rest_s]
        self._resting = resting[-self._p.most_blobs :]


def _centre(box: Box) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def _inside(part: Box, whole: Box) -> bool:
    x, y = _centre(part)
    return whole[0] <= x <= whole[0] + whole[2] and whole[1] <= y <= whole[1] + whole[3]


def _nearness(a: Box, b: Box) -> float:
    """Common area of two boxes, each side widened by half of the smaller object; 0: they are apart.

    Half its size is what a walker covers in about 0.3 s, so tracks survive at 3 frames a second.
    """
    ax, ay, a_width, a_height = a
    bx, by, b_width, b_height = b
    # called for every pair of blob and track: conditions cost a third of max and min
    a_long = a_width if a_width > a_height else a_height
    b_long = b_width if b_width > b_height else b_height
    reach = REACH_PX + (a_long if a_long < b_long else b_long)
    width = (bx + b_width - ax if ax > bx else ax + a_width - bx) + reach
    width = width if width < a_width + reach else a_width + reach
    width = width if width < b_width + reach else b_width + reach
    if width <= 0:
        return 0.0
    height = (by + b_height - ay if ay > by else ay + a_height - by) + reach
    height = height if height < a_height + reach else a_height + reach
    height = height if height < b_height + reach else b_height + reach
    return width * height if height > 0 else 0.0
