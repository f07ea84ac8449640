"""How fast a camera's clock passes beside ours. Pure arithmetic: callers pass the time.

Some cameras count milliseconds and call them 90,000ths of a second; others run 16 % fast, or give every
picture the same time. Their times are corrected before they are used. Most clocks are right, and their
times stay as they are.
"""

from dataclasses import dataclass
from math import inf, log, sqrt
from statistics import linear_regression, median

from pynvr.sources.times.clock import LONGEST_STEP_S

OPENING_S = 1.0
"""How long a new connection is watched before its times are used."""
OPENING_STEPS = 3
LONGEST_OPENING_S = 3.5
"""A stream that comes in bursts, or rarely, is used without a judgement after this time."""
PIECE_S = 0.2
"""The shortest time that arrivals are compared over. Single ones depend on what else the machine does, and
with B-frames on which of them the camera sends together."""
IDLE_S = 0.005
"""A picture that the reader waited for less was there already."""
NOTICEABLE = 0.1
"""A smaller difference may be chance at the opening."""
DOUBTED_S = 2.0
"""How long a stream that seems too fast or slow is watched: most only make up for lost time, or lose it."""
STEADY = 1.15
"""If the halves of that time differ by more in pace, the stream made up for lost time."""
WORST = 200.0
"""The times of a stream that is slower by more than this factor stand still."""
SLOT_S = 0.5
MOST_SLOTS = 240
FEWEST_SLOTS = 6
PROOF_S = 2.0
"""How far a clock that was right has to move from ours, evenly. No network delays as much so evenly."""
YOUNG_S = 15.0
YOUNG_PROOF_S = 0.25
"""The same in the first seconds of a connection, in which few networks delay anything."""
DOUBTED_PROOF_S = 0.1
"""The same for a clock that is known to be wrong."""
STILL_S = 1.0
STILL_PICTURES = 5
"""Times stand still if they have not risen in both so much time and so many pictures."""
EVEN = 6.0
"""How far a wrong clock has moved at least, in deviations from a straight line."""
LIKELY = 4.0
"""A clock that has moved by fewer is right, whatever its first second showed."""
RIGHT = 0.005
"""A pace that differs by less is right."""
SETTLED_S = 2.0
"""How long a clock must have been wrong before the log says so."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A moment, or how long something took, by the camera's clock and by ours."""

    stream_s: float
    ours_s: float


class Pace:
    """Finds a stream's pace and corrects its times.

    It belongs to a camera, not to a connection: the next connection begins with the pace of the last one.
    """

    def __init__(self) -> None:
        self.factor = 1.0
        """Seconds of ours in one of the stream's; infinite for times that cannot be used."""
        self.begin()

    def begin(self) -> None:
        """Begin a new connection, whose times may begin anywhere."""
        if self.factor == inf:
            self.factor = 1.0
        self.judged = False
        """Whether the opening is over."""
        self._base: _Mark | None = None
        """From where the factor counts: the stream's time and the corrected one."""
        self._began_s = self._wrong_since_s = self._latest_s = 0.0
        self._highest = -inf
        self._rose_s = 0.0
        self._since_rise = 0
        """When the times last rose, and how many pictures have come since."""
        self._piece: _Mark | None = None
        self._steps: list[_Mark] = []
        self._leaps = 0
        self._slots: list[_Mark] = []
        """The least late picture of each half second."""
        self._slot_ends_s = 0.0

    @property
    def found(self) -> str | None:
        """What is wrong with the camera's clock, for a message; None if nothing is, or it is not yet sure."""
        if self.factor == 1 or self._latest_s - self._wrong_since_s < SETTLED_S:
            return None
        if self.factor == inf:
            return "the times that it sends stand still or leap"
        if 0.5 < self.factor < 2:
            percent = abs(1 / self.factor - 1) * 100
            return f"its clock runs {percent:.0f} % too {'slow' if self.factor > 1 else 'fast'}"
        times = max(self.factor, 1 / self.factor)
        return f"its clock runs {times:.3g} times too {'slow' if self.factor > 1 else 'fast'}"

    def correct(self, stream_s: float) -> float | None:
        """The stream's time as if its clock passed as ours does; None if its times are of no use."""
        if self.factor == inf:
            return None
        if self._base is None or (self.factor == 1 and self._base.stream_s == self._base.ours_s):
            return stream_s
        return self._base.ours_s + (stream_s - self._base.stream_s) * self.factor

    def note(self, stream_s: float, arrival_s: float, idle_s: float) -> None:
        """Take a picture's time, its arrival, and how long its reader only waited for it."""
        if self._base is None:
            self._base = _Mark(stream_s, stream_s)
            self._began_s = self._wrong_since_s = arrival_s
        self._latest_s = arrival_s
        if not self.judged:
            self._note_opening(stream_s, arrival_s, idle_s)
        if self.judged and self.factor != inf:
            self._note_lag(stream_s, arrival_s)
            self._note_rise(stream_s, arrival_s)
        self._highest = max(self._highest, stream_s)

    # --- the opening: steps between pictures that were waited for -------------------------------------

    def _note_opening(self, stream_s: float, arrival_s: float, idle_s: float) -> None:
        if stream_s < self._highest - LONGEST_STEP_S:
            self._leaps += 1
            self._highest, self._piece = stream_s, None
        elif idle_s >= IDLE_S:
            # how far the stream is: with B-frames the picture just read may be shown before others that came
            mark, begin = _Mark(max(stream_s, self._highest), arrival_s), self._piece
            if begin is not None and arrival_s - begin.ours_s >= PIECE_S:
                self._steps.append(_Mark(mark.stream_s - begin.stream_s, arrival_s - begin.ours_s))
            if begin is None or arrival_s - begin.ours_s >= PIECE_S:
                self._piece = mark
        watched_s = sum(step.ours_s for step in self._steps)
        if watched_s >= OPENING_S and len(self._steps) >= OPENING_STEPS:
            self._judge(watched_s)
        elif arrival_s - self._began_s >= LONGEST_OPENING_S:
            self.judged = True

    def _judge(self, watched_s: float) -> None:
        ratios = [step.ours_s / max(step.stream_s, 1e-9) for step in self._steps]
        usual = median(ratios)
        has_times = 1 / WORST < usual < WORST
        doubted = has_times and abs(log(usual / self.factor)) > NOTICEABLE
        if doubted and watched_s < DOUBTED_S:
            return
        self.judged = True
        half = len(ratios) // 2
        if doubted and abs(log(median(ratios[half:]) / median(ratios[:half]))) > log(STEADY):
            return
        if not has_times or self._leaps > len(self._steps) / 3:
            self._change(inf)
        elif doubted:
            like = [step for step, ratio in zip(self._steps, ratios, strict=True) if 0.5 < ratio / usual < 2]
            passed_s = sum(step.stream_s for step in like)
            self._change(sum(step.ours_s for step in like) / passed_s)

    # --- from then on: how far both clocks have moved apart -------------------------------------------

    def _note_lag(self, stream_s: float, arrival_s: float) -> None:
        """Keep the least late picture of each half second, and judge at its end."""
        if abs(stream_s - self._highest) * self.factor > LONGEST_STEP_S:
            self._slots.clear()  # it has leapt, or nothing came for long
            self._highest = stream_s
        mark = _Mark(stream_s, arrival_s)
        if not self._slots or arrival_s >= self._slot_ends_s:
            self._judge_lag()
            self._slots = [*self._slots[1 - MOST_SLOTS :], mark]
            self._slot_ends_s = arrival_s + SLOT_S
        elif self._late_s(mark) < self._late_s(self._slots[-1]):
            self._slots[-1] = mark

    def _late_s(self, mark: _Mark) -> float:
        return mark.ours_s - mark.stream_s * self.factor

    def _note_rise(self, stream_s: float, arrival_s: float) -> None:
        if stream_s > self._highest or not self._since_rise:
            self._rose_s, self._since_rise = arrival_s, 0
        self._since_rise += 1
        if self._since_rise > STILL_PICTURES and arrival_s - self._rose_s > STILL_S:
            self._change(inf)

    def _judge_lag(self) -> None:
        """Fit a line: its slope is the pace, its deviations say how sure that is."""
        if len(self._slots) < FEWEST_SLOTS:
            return
        arrivals = [mark.ours_s - self._slots[0].ours_s for mark in self._slots]
        late = [self._late_s(mark) for mark in self._slots]
        slope, start = linear_regression(arrivals, late)  # numpy.polyfit would take 1 MB of memory
        residues = (one - start - slope * arrival for one, arrival in zip(late, arrivals, strict=True))
        deviation = sqrt(sum(residue**2 for residue in residues) / len(arrivals))
        span_s = arrivals[-1]
        factor = self.factor / (1 - slope) if slope < 1 - 1 / WORST else inf
        young = self._slots[-1].ours_s - self._began_s < YOUNG_S
        proof_s = DOUBTED_PROOF_S if self.factor != 1 else YOUNG_PROOF_S if young else PROOF_S
        if self.factor != 1 and abs(1 - 1 / factor) * span_s < LIKELY * deviation:
            self._change(1.0)
        elif abs(slope) * span_s > max(proof_s, EVEN * deviation):
            self._change(factor)

    def _change(self, factor: float) -> None:
        """Go on at another pace from the latest picture, which keeps its time."""
        corrected_s = self.correct(self._highest)
        if self._slots and corrected_s is not None:
            self._base = _Mark(self._highest, corrected_s)
        if self.factor == 1:
            self._wrong_since_s = self._latest_s
        self.factor = 1.0 if abs(factor - 1) < RIGHT else factor
