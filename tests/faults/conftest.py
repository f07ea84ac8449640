"""What the fault suite shares: repetitions, clips, recorders that end with the test, the table of figures."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness import Clips, RecorderProcess

LONG_REPEATS = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--long", action="store_true", help="every fault 20 times, at random moments")
    group.addoption("--faults-seed", default="1", help="of the random moments")
    group.addoption("--faults-table", type=Path, help="write the figures there as Markdown")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "repeat(n): how often in the short form")
    config.stash[_figures] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `repetition` as often as `@pytest.mark.repeat(3)` says; 20 times with --long."""
    if "repetition" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("repeat")
        times = marker.args[0] if marker else 1
        long = _option(metafunc.config, "long") or bool(os.environ.get("PYNVR_FAULTS_LONG"))
        metafunc.parametrize("repetition", range(LONG_REPEATS if long else times))


def _option(config: pytest.Config, name: str) -> Any:
    # the options are unknown when this folder is not named on the command line
    return config.getoption(name, None)


@pytest.fixture(scope="session")
def long_form(request: pytest.FixtureRequest) -> bool:
    """Whether this is `make faults`."""
    return bool(_option(request.config, "long") or os.environ.get("PYNVR_FAULTS_LONG"))


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chance, the same in every run of the same test."""
    return random.Random(f"{_option(request.config, 'faults_seed')} {request.node.nodeid}")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


Start = Callable[..., RecorderProcess]
Measure = Callable[[str, float, str, float], None]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Whatever has to end with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(tmp_path: Path, stack: ExitStack) -> Start:
    """Start a recorder: `start("name", cam=…, OTHER_SETTING=…)`; it is killed when the test ends."""

    def begin(name: str = "recorder", script: str | None = None, **settings: object) -> RecorderProcess:
        return stack.enter_context(RecorderProcess(tmp_path / name, script, **settings))

    return begin


# --- cases that run beside all others -----------------------------------------------------------


@dataclass(frozen=True)
class Early:
    """What a test module's `start_early(early)` gets: it starts cases that mostly wait, and names them.

    They run from the session's beginning, beside all other tests; the module's own tests come last and look
    at the results.
    """

    pool: ThreadPoolExecutor
    folders: pytest.TempPathFactory
    clips: Clips
    figure: Measure
    repeats: int
    seed: str

    def start(self, name: str, case: Callable[[Path, random.Random], Any]) -> list[Future[Any]]:
        """Run a case as often as is asked for, each in a folder of its own and with chance of its own."""
        return [
            self.pool.submit(
                case, self.folders.mktemp(name.replace(" ", "_")), random.Random(f"{self.seed} {name} {n}")
            )
            for n in range(self.repeats)
        ]


_early = pytest.StashKey[dict[str, dict[str, list[Future[Any]]]]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: hasattr(getattr(item, "module", None), "start_early"))


@pytest.fixture(scope="session", autouse=True)
def _start_early(
    request: pytest.FixtureRequest,
    clips: Clips,
    figure: Measure,
    long_form: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    modules = {item.module for item in request.session.items if hasattr(item, "module")}
    seed = str(_option(request.config, "faults_seed"))
    with ThreadPoolExecutor(12) as pool:
        early = Early(pool, tmp_path_factory, clips, figure, LONG_REPEATS if long_form else 1, seed)
        request.config.stash[_early] = {
            module.__name__: module.start_early(early)
            for module in sorted(modules, key=lambda module: str(module.__name__))
            if hasattr(module, "start_early")
        }
        yield
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def early(request: pytest.FixtureRequest) -> Callable[[str], list[Any]]:
    """The results of a case that the test's module has started; raises what the case has raised."""
    futures = request.config.stash[_early][request.module.__name__]
    return lambda name: [future.result() for future in futures[name]]


# --- figures ------------------------------------------------------------------------------------


@dataclass
class _Figure:
    unit: str
    limit: float
    values: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        worst = max(self.values)
        verdict = "" if worst <= self.limit else " **missed**"
        typical = sorted(self.values)[len(self.values) // 2]
        return (
            f"| {name} | {_short(typical)} {self.unit} | {_short(worst)} {self.unit}{verdict} "
            f"| {_short(self.limit)} {self.unit} | {len(self.values)} |"
        )


_figures = pytest.StashKey[dict[str, _Figure]]()


@pytest.fixture(scope="session")
def figure(request: pytest.FixtureRequest, long_form: bool) -> Measure:
    """Note what was measured, for the table, and fail where it is over the limit.

    The short form runs wherever a change is tested, beside who knows what: a time fails it only when
    it is half as long again as it may be. The table marks every miss.
    """
    figures = request.config.stash[_figures]
    slack = {"s": 1.0 if long_form else 1.5}

    def measure(name: str, value: float, unit: str, limit: float) -> None:
        figures.setdefault(name, _Figure(unit, limit)).values.append(value)
        print(f"{name}: {value:.3g} {unit} (limit {limit:g})")
        assert value <= limit * slack.get(unit, 1.0), f"{name}: {value:.3g} {unit}, limit {limit:g}"

    return measure


def _short(value: float) -> str:
    value = 0.0 if abs(value) < 5e-4 else value  # rounding of floating point, nobody's fault
    return f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.2g}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    figures = config.stash[_figures]
    if not figures:
        return
    rows = [f.row(name) for name, f in figures.items()]
    table = ["| fault | usually | at worst | limit | times |", "|---|---|---|---|---|", *rows]
    terminalreporter.section("faults")
    terminalreporter.write_line("\n".join(table))
    target = _option(config, "faults_table")
    if target is not None:
        target.write_text("\n".join(table) + "\n", encoding="utf-8")
