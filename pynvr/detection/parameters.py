"""The robust detector's numbers, each with its reason; the settings change some of them."""

from dataclasses import dataclass

EARLY_S = 1e-4
"""Seconds by which times that mean the same may differ: those of a steady camera are never exact."""


@dataclass(frozen=True, slots=True)
class RobustParameters:
    """Areas are pixels of a picture 500 px wide, as in the classic detector; grey levels are of 255."""

    work_px: int = 40_000
    """267x150: a far person of 0.15 % still has 60 px; the cost grows with it."""
    blur_px: int = 5
    """Takes the sensor's noise out, keeps what is 5 px wide."""

    reference_s: float = 1.0
    """In that time a far walker has moved by its own width. 0: the latest picture that is remembered."""
    second_reference_s: float = 2.0
    """A change must differ from this one too: no ghost where something was. 0: off."""
    same_light: float = 0.12
    """References are within 12 % of the present exposure, above which the fit errs. 0: off."""
    fit_light: bool = True
    light_doubt: float = 0.25
    """The share of the correction that is distrusted: light is never the same everywhere. 0: off."""
    surroundings_px: int = 41
    """A change must stand out from so wide a square, as clouds and soft shadows do not. 0: off."""

    floor: float = 4.0
    """Grey levels: the coding noise of a still picture stays below."""
    noise_factor: float = 6.0
    """Times the mean noise, about 5 standard deviations. 0: off."""
    habit_factor: float = 2.7
    """Times the pixel's own deviation; lower finds more, and more leaves. 0: off."""
    habit_s: float = 6.0
    """Longer than gusts last, shorter than the usual hold."""
    habit_cap: float = 40.0
    """Grey levels: one passer-by must not blind a place."""
    habit_start: float = 12.0
    """Grey levels assumed at first and forgotten within a second: rain is no news at the start."""
    object_learning: float = 0.03
    """How fast habits are learnt below an object: one who stays must not be learnt away. 1: off."""
    rest_s: float = 10.0
    """Time after the latest stirring for which somebody who stands still counts as present. 0: off."""

    light_fraction: float = 0.33
    """So much of the picture changes at once: that is light. 0: off."""
    settle_s: float = 0.4
    light_limit_s: float = 2.0
    light_rest_s: float = 10.0
    beam_limit_s: float = 4.0
    """Longer than a car's beams need to sweep over the picture."""

    density: float = 0.5
    """Share of the 5x5 around a pixel that has to have changed too: drops and flakes are specks. 0: off."""
    persist_s: float = 0.1
    """A change counts if another was near it this long ago; an insect's was not. 0: off."""
    persist_px: float = 4.0
    persist_px_s: float = 15.0
    """Reach at 10 frames a second and more, and what each second between slower ones adds to it."""
    close_px: int = 7
    """Dilate by it, erode by two less: the parts of a body become one blob."""
    alive: float = 0.1
    """Share of a blob that changed in the last 0.1 s: a ghost or a parked car does not. 0: off."""
    own: float = 0.15
    """Share of a blob that changed by itself: around an insect only the surroundings' mean does. 0: off."""

    least_area_px: float = 100.0
    """0.07 % of the picture."""
    area_threshold_px: float = 1500.0
    """So many pixels for 0.1 s, or fewer for longer, are motion."""
    first_s: float = 0.1
    """The age of a blob that is first seen: its changes have persisted this long. That of one that is not
    small is the time between the latest two pictures, if that is longer."""
    small_px: float = 600.0
    """Blobs below it have to travel by their own size: leaves and reflections stay. 0: off."""
    forget_s: float = 0.3
    """A walker behind a post is still the same."""
    most_blobs: int = 12
    """So many of a picture count, the largest ones; bounds the time that a frame takes."""
