"""The drawn scene: a camera that needs no camera, whose truth is known."""

from __future__ import annotations


def is_demo(cam: str) -> bool:
    """Whether `cam` names the drawn scene: "demo", or "demo:rain+lamp" with weather."""
    return cam.partition(":")[0] == "demo"
