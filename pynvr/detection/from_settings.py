"""The detector that the settings ask for, and its pace."""

from pynvr.detection.classic import ClassicDetector, ClassicParameters
from pynvr.detection.detector import Detector, MotionDetector
from pynvr.detection.pacing import PacedDetector, RestingDetector
from pynvr.detection.parameters import RobustParameters
from pynvr.detection.robust import RobustDetector
from pynvr.detection.zones import Zones, load_mask
from pynvr.settings import Settings


def make_detector(settings: Settings) -> MotionDetector:
    """The detector with the settings' numbers; raises SettingsError for a mask that cannot be read."""
    mask = load_mask(settings.MOTION_MASK) if settings.MOTION_MASK is not None else None
    zones = Zones(mask, settings.MOTION_REGIONS)
    if settings.MOTION_DETECTOR == "classic":
        classic = ClassicParameters(
            width_px=settings.DETECTION_WIDTH,
            blur_px=settings.GAUSSIAN_BLUR_SIZE,
            pixel_threshold=settings.PIXEL_THRESHOLD,
            dilate_iterations=settings.DILATE_ITERATIONS,
            erode_iterations=settings.ERODE_ITERATIONS,
            area_threshold_px=settings.MOTION_AREA_THRESHOLD,
            normalize_contrast=settings.NORMALIZE_CONTRAST,
        )
        return ClassicDetector(classic, zones)
    own = RobustParameters()
    robust = RobustParameters(
        area_threshold_px=settings.MOTION_AREA_THRESHOLD,
        reference_s=settings.GUARD_REFERENCE_SECS,
        second_reference_s=settings.GUARD_SECOND_REFERENCE_SECS,
        fit_light=settings.GUARD_EXPOSURE,
        same_light=own.same_light if settings.GUARD_EXPOSURE else 0,
        light_doubt=own.light_doubt if settings.GUARD_EXPOSURE else 0,
        surroundings_px=settings.GUARD_SURROUNDINGS,
        noise_factor=settings.GUARD_NOISE,
        habit_factor=settings.GUARD_HABITS,
        light_fraction=settings.GUARD_LIGHT_SWITCH,
        density=settings.GUARD_DENSITY,
        persist_s=settings.GUARD_PERSISTENCE_SECS,
        alive=settings.GUARD_ALIVE,
        small_px=settings.GUARD_TRAVEL,
    )
    return RobustDetector(robust, zones)


def at_its_pace(detector: MotionDetector, settings: Settings) -> Detector:
    """The detector as the recorder has it: it looks at fewer frames than come."""
    fps = settings.MOTION_DETECTION_FPS
    return RestingDetector(detector) if fps is None else PacedDetector(detector, fps)
