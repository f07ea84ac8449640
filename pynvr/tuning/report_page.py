"""The tuning report as one HTML page that needs nothing else: plots as SVG, pictures inline."""

import base64
import html
import io
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from pynvr.errors import SettingsError
from pynvr.redaction import without_password
from pynvr.tuning.report import Moment, Report

RED, BLUE, GREEN, GREY = "#c0392b", "#1f6f8b", "#7fb77e", "#888888"
MOST_POINTS = 4000
"""The most points of a curve: the highest of each group of frames."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto;
  padding: 0 1em; color: #222 }
h1 { font-size: 1.6em; overflow-wrap: anywhere }
h2 { font-size: 1.2em; margin-top: 2em } svg { width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .3em .9em; text-align: right;
  border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left }
pre { background: #f4f4f2; padding: 1em; overflow-x: auto }
figure { display: inline-block; margin: 0 1em 1em 0; max-width: 100% } figure img { max-width: 100% }
figcaption { font-size: .9em; color: #555 } .note { color: #555 }
"""

PLOT_NOTE = """
The curve is what is compared with the threshold (dashed): for the robust detector the pixels that would weigh
the same if they had changed for 0.1 s, for the classic one the changed pixels. Green: events with their hold;
triangles: where most of the picture changed, shown below; circles: the nearest misses. Linear up to a tenth
of the threshold, then logarithmic.
"""


def write(report: Report, path: Path) -> None:
    """Write the page; raises SettingsError if there was no frame."""
    if not report.times_s:
        raise SettingsError("--report: there was no picture to report on")
    path.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    settings, events, misses = report.settings, report.events, report.near_misses()
    threshold, reason = report.suggestion()
    found = (
        f"detector <b>{settings.MOTION_DETECTOR}</b>, threshold <b>{settings.MOTION_AREA_THRESHOLD} px</b>: "
        f"<b>{len(events)}</b> event{'s' * (len(events) != 1)}"
    )
    peaks = "".join(_figure(e.peak, f"{e.start_s:.2f} to {e.end_s:.2f} s, peak") for e in events)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Motion report</title><style>{STYLE}</style></head><body>
<h1>Motion in {html.escape(without_password(settings.cam))}</h1>
<p>{len(report.times_s)} frames in {report.times_s[-1] - report.times_s[0]:.1f} s; {found}.</p>
{_plot(report)}
<p class="note">{PLOT_NOTE}</p>
<h2>Events</h2>
{peaks or "<p>None.</p>"}
<h2>Nearest misses</h2>
{"".join(_figure(miss, "highest") for miss in misses) or "<p>Nothing came near the threshold.</p>"}
<h2>With another threshold</h2>
{_comparison(report)}
<h2>Cost</h2>
<p>CPU time of the detector on one thread: median {statistics.median(report.cpu_ms):.2f} ms a frame,
highest {max(report.cpu_ms):.2f} ms.</p>
{_cpu_plot(report)}
<h2>Suggested settings</h2>
<p>{html.escape(reason)}</p>
<pre>{html.escape(_block(report, threshold))}</pre>
</body></html>
"""


def _plot(report: Report) -> str:
    axes = Figure(figsize=(11, 3.6), layout="constrained").add_subplot()
    times, scores = _thinned(report.times_s, report.scores)
    for event in report.events:
        axes.axvspan(event.start_s, event.end_s, color=GREEN, alpha=0.3, linewidth=0)
    axes.plot(times, scores, color=BLUE, linewidth=1)
    axes.axhline(report.threshold_px, color=RED, linestyle="--", linewidth=1)
    peaks = [event.peak for event in report.events]
    axes.plot([m.time_s for m in peaks], [m.score for m in peaks], "v", color=RED)
    misses = report.near_misses()
    axes.plot([m.time_s for m in misses], [m.score for m in misses], "o", color=GREY, fillstyle="none")
    axes.set_yscale("symlog", linthresh=report.threshold_px / 10)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    axes.set_ylabel("score, px")
    return _svg(axes)


def _cpu_plot(report: Report) -> str:
    axes = Figure(figsize=(11, 1.6), layout="constrained").add_subplot()
    axes.plot(*_thinned(report.times_s, report.cpu_ms), color=GREY, linewidth=0.8)
    axes.set_ylim(0, 3 * statistics.median(report.cpu_ms) + 0.01)
    axes.set_ylabel("ms")
    return _svg(axes)


def _thinned(times: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    step = -(-len(times) // MOST_POINTS)  # rounded up
    highest = [
        max(range(i, min(i + step, len(times))), key=values.__getitem__) for i in range(0, len(times), step)
    ]
    return [times[i] for i in highest], [values[i] for i in highest]


def _svg(axes: Any) -> str:
    axes.margins(x=0.01)
    text = io.StringIO()
    axes.figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _figure(moment: Moment, caption: str) -> str:
    picture = base64.b64encode(moment.thumbnail).decode()
    return (
        f'<figure><img alt="picture and mask" src="data:image/jpeg;base64,{picture}"><figcaption>'
        f"{caption} at {moment.time_s:.2f} s: {moment.score:.0f} px ({moment.changed_px} in the mask)"
        "</figcaption></figure>"
    )


def _comparison(report: Report) -> str:
    recorded_s = sum(event.end_s - event.start_s for event in report.events)
    rows = [(report.threshold_px, [event.start_s for event in report.events], recorded_s)]
    rows += [(other.threshold_px, other.starts_s, other.recorded_s) for other in report.others]
    lines = ["<table><tr><th>threshold</th><th>events</th><th>recorded, s</th><th>begin at, s</th></tr>"]
    for threshold, starts, seconds in sorted(rows):
        mark = " (as set)" if threshold == report.threshold_px else ""
        begins = ", ".join(f"{start:.1f}" for start in starts[:12]) + (" …" if len(starts) > 12 else "")
        lines.append(
            f"<tr><td>{threshold:g} px{mark}</td><td>{len(starts)}</td>"
            f"<td>{seconds:.1f}</td><td>{begins}</td></tr>"
        )
    return "\n".join([*lines, "</table>"])


def _block(report: Report, threshold: int) -> str:
    settings = report.settings
    lines = [f'MOTION_DETECTOR = "{settings.MOTION_DETECTOR}"', f"MOTION_AREA_THRESHOLD = {threshold}"]
    if settings.MOTION_MASK is not None:
        lines.append(f"MOTION_MASK = {str(settings.MOTION_MASK)!r}")
    if settings.MOTION_REGIONS:
        lines.append(f"MOTION_REGIONS = {settings.MOTION_REGIONS!r}")
    lines.append(f"MINIMAL_MOTION_DURATION = {settings.MINIMAL_MOTION_DURATION:g}")
    return "\n".join(lines)
