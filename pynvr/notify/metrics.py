"""METRICS_FILE_PATH: a text file that Prometheus' node_exporter picks up (its textfile collector)."""

from collections.abc import Iterator, Mapping
from typing import Any

FACTS = {
    "fps": ("gauge", "frames_per_second", "Frames handled per second."),
    "last_frame_age_s": ("gauge", "last_frame_age_seconds", "Seconds since the latest frame."),
    "free_bytes": ("gauge", "archive_free_bytes", "Bytes free on the archive's disk."),
    "frames_received": ("counter", "frames_received_total", "Frames that came from the camera."),
    "frames_dropped": ("counter", "frames_dropped_total", "Frames that were lost to a full queue or disk."),
    "frames_recorded": ("counter", "frames_recorded_total", "Frames that were written to recordings."),
    "packets_received": ("counter", "packets_received_total", "Packets that came from the recorded stream."),
    "packets_dropped": ("counter", "packets_dropped_total", "Packets that were lost to a full queue."),
    "reconnects": ("counter", "camera_reconnects_total", "How often the camera was found again."),
}
"""Fact of the status -> the metric's kind, its name and what it means."""
EVENTS = {
    "pending": ("gauge", "events_pending", "Events that a receiver has not taken yet."),
    "failed": ("counter", "events_failed_total", "Tries of a receiver that failed."),
    "expired": ("counter", "events_expired_total", "Events that came too late and were given up."),
}


def as_text(facts: Mapping[str, Any], camera: str) -> str:
    """The facts in Prometheus' text format, each with its help and type, labelled with the camera's name."""
    return "\n".join(_lines(facts, f'camera="{_escaped(camera)}"')) + "\n"


def _lines(facts: Mapping[str, Any], camera: str) -> Iterator[str]:
    for fact, metric in FACTS.items():
        if facts.get(fact) is not None:
            yield from _metric(*metric, {camera: facts[fact]})
    yield from _metric(
        "gauge", "recording", "1 while a recording is open.", {camera: int(bool(facts.get("recording")))}
    )
    state = f'{camera},state="{_escaped(str(facts["state"]))}"'
    yield from _metric("gauge", "state", "1 for what the recorder does now.", {state: 1})
    events = facts.get("events") or {}
    for fact, metric in EVENTS.items():
        values = {f'{camera},receiver="{_escaped(who)}"': counts[fact] for who, counts in events.items()}
        if values:
            yield from _metric(*metric, values)


def _metric(kind: str, name: str, meaning: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP pynvr_{name} {meaning}"
    yield f"# TYPE pynvr_{name} {kind}"
    for labels, value in values.items():
        yield f"pynvr_{name}{{{labels}}} {value}"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
