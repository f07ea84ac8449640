"""What the fault suite shares: modes, repetitions, clips, recorders that end with the test, the figures.

Every test is one case with one recorder, and mostly waits; pytest-xdist runs many side by side. What they
measure travels to the table as properties of their reports.
"""

from __future__ import annotations

import fcntl
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness import QUICK, Clips, Measure
from running import RecorderProcess, Start

LONG_REPEATS = 20
MODES: dict[str, dict[str, object]] = {
    "encode": {"RECORDING_MODE": "encode"},
    "copy": {"RECORDING_MODE": "copy"},
    "copy with sound": {"RECORDING_MODE": "copy", "RECORD_SOUND": True},
}
FIGURE = "figure"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--repeats", type=int, help="so many times instead")
    group.addoption("--faults-seed", default="1", help="of the random moments")
    group.addoption("--faults-table", type=Path, help="write the figures there as Markdown")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "repeat(n): how often in the short form")
    config.addinivalue_line("markers", "lasts(seconds): about; what lasts longest begins first")
    config.pluginmanager.register(Figures(_option(config, "faults_table")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `repetition` as often as `@pytest.mark.repeat(3)` says; 20 times with --long."""
    if "repetition" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("repeat")
        times = LONG_REPEATS if _option(metafunc.config, "long") else marker.args[0] if marker else 1
        metafunc.parametrize("repetition", range(_option(metafunc.config, "repeats") or times))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """So that none of the long ones is alone at the end."""

    def lasts(item: pytest.Item) -> float:
        marker = item.get_closest_marker("lasts")
        return float(marker.args[0]) if marker else 0.0

    items.sort(key=lasts, reverse=True)


def _option(config: pytest.Config, name: str) -> Any:
    # the options are unknown when this folder is not named on the command line
    return config.getoption(name, None)


@pytest.fixture(scope="session")
def long_form(request: pytest.FixtureRequest) -> bool:
    """Whether this is `make faults`."""
    return bool(_option(request.config, "long"))


def _mode_of(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("mode")) if "mode" in request.fixturenames else next(iter(MODES))


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """A name of MODES: every test that starts a recorder does it in each, unless it names those it means."""
    return str(request.param)


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chance, the same in every run of the same test."""
    return random.Random(f"{_option(request.config, 'faults_seed')} {request.node.nodeid}")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all workers of pytest-xdist have."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(request.config, "workerinput") else base


@pytest.fixture
def clips(shared: Path, request: pytest.FixtureRequest) -> Clips:
    return Clips(shared / "clips", "sound" in _mode_of(request))


@pytest.fixture
def greedy(shared: Path) -> Iterator[None]:
    """For a test that takes all the CPU it can get: no two such at a time, in whatever process."""
    with (shared / "greedy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Whatever has to end with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(tmp_path: Path, stack: ExitStack, mode: str) -> Start:
    """Start a recorder: `start(cam=…, OTHER_SETTING=…)`; it is killed when the test ends."""

    def begin(
        script: str | None = None, environment: dict[str, str] | None = None, **settings: object
    ) -> RecorderProcess:
        chosen = {**QUICK, **MODES[mode], **settings}
        return stack.enter_context(RecorderProcess(tmp_path / "recorder", script, environment, **chosen))

    return begin


# --- figures ------------------------------------------------------------------------------------


@pytest.fixture
def figure(request: pytest.FixtureRequest, long_form: bool) -> Measure:
    """Note what was measured, for the table, and fail where it is over the limit.

    The short form runs wherever a change is tested, beside who knows what: a time fails it only when
    it is half as long again as it may be. The table marks every miss.
    """
    slack = {"s": 1.0 if long_form else 1.5}
    mode = _mode_of(request)

    def measure(name: str, value: float, unit: str, limit: float) -> None:
        # JSON carries it from a worker
        request.node.user_properties.append((FIGURE, [name, mode, float(value), unit, limit]))
        said = f"{mode}, {name}: {value:.3g} {unit}, limit {limit:g}"
        print(said)
        assert value <= limit * slack.get(unit, 1.0), said

    return measure


@dataclass
class _Figure:
    """One line of the table."""

    unit: str
    limits: dict[str, float] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    """By mode, as the limits."""

    def row(self, name: str) -> str:
        cells = [cell for mode in MODES for cell in self._cells(mode)]
        limits = sorted(set(self.limits.values()), reverse=True)
        return " | ".join([f"| {name}", *cells, f"{' / '.join(map(_short, limits))} {self.unit} |"])

    def _cells(self, mode: str) -> tuple[str, str, str]:
        values = sorted(self.values.get(mode, []))
        if not values:
            return "", "", ""
        verdict = "" if values[-1] <= self.limits[mode] else " **missed**"
        return _short(values[len(values) // 2]), f"{_short(values[-1])}{verdict}", str(len(values))


def _short(value: float) -> str:
    value = 0.0 if abs(value) < 5e-4 else value  # rounding of floating point, nobody's fault
    return f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.2g}"


class Figures:
    """Gathers the figures of all reports, from whatever process they come, and prints them as a table."""

    def __init__(self, target: Path | None) -> None:
        self._target = target
        self._figures: dict[str, _Figure] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":  # which has all that the test has noted
            return
        for key, noted in report.user_properties:
            if key == FIGURE:
                name, mode, value, unit, limit = noted  # type: ignore[misc]
                figure = self._figures.setdefault(name, _Figure(unit))
                figure.limits[mode] = limit
                figure.values.setdefault(mode, []).append(value)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self._figures:
            return
        rows = [figure.row(name) for name, figure in sorted(self._figures.items())]
        columns = [f"{mode}: usually | at worst | times" for mode in MODES]
        table = [" | ".join(["| fault", *columns, "limit |"]), "|---" * (2 + 3 * len(MODES)) + "|", *rows]
        terminalreporter.section("faults")
        terminalreporter.write_line("\n".join(table))
        if self._target is not None:
            self._target.write_text("\n".join(table) + "\n", encoding="utf-8")
