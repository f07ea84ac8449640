"""Imports run one way: from what everybody may use down to who puts it together."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pynvr"

LAYERS = (
    {"errors", "redaction"},
    {"media", "settings"},
    {"sources", "detection", "events", "archive", "demo"},
    {"recording"},
    {"pipeline", "service", "check", "notify", "pages"},
    {"assembly"},
    {"cli"},
    {"tuning"},
)
"""A room imports from itself and from the layers before; rooms of one layer know nothing of each other."""
MAY_READ_SETTINGS = {
    "assembly", "cli", "check", "service/logs", "detection/from_settings", "tuning/scripts", "tuning/view",
    "tuning/report", "settings/loading", "settings/strangers", "notify/from_settings",
    "pages/from_settings",
}  # fmt: skip
PURE = ("detection", "events", "recording/prealarm", "recording/packet_prealarm")
"""Told the time by their callers; whoever makes a detector or a ring may do so a million times in a test."""
IMPURE_MODULES = {"time", "os", "threading", "subprocess", "tempfile", "socket", "shutil"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "__init__.py":
            yield path.relative_to(PACKAGE).with_suffix("").as_posix(), ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names of what a module imports, also inside of functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def layer(room: str) -> int:
    return next(number for number, rooms in enumerate(LAYERS) if room in rooms)


MODULES = dict(modules())


def neighbours(name: str) -> set[str]:
    """The modules that a module imports."""
    dotted = {other.removeprefix("pynvr.").replace(".", "/") for other in imported(MODULES[name])}
    return (dotted | {other.rpartition("/")[0] for other in dotted}) & MODULES.keys()


def rooms_of(tree: ast.Module) -> set[str]:
    return {name.split(".")[1] for name in imported(tree) if name.startswith("pynvr.")}


def test_every_module_has_a_room() -> None:
    assert {name.split("/")[0] for name in MODULES} == set().union(*LAYERS)


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_one_way(name: str) -> None:
    room = name.split("/")[0]
    wrong = {other for other in rooms_of(MODULES[name]) - {room} if layer(other) >= layer(room)}
    assert not wrong, f"{name} imports {wrong}"


def test_no_two_modules_import_each_other_over_however_many_others() -> None:
    TopologicalSorter({name: neighbours(name) for name in MODULES}).prepare()  # raises CycleError


@pytest.mark.parametrize("name", sorted(MODULES.keys() - MAY_READ_SETTINGS))
def test_only_who_puts_things_together_knows_the_settings(name: str) -> None:
    assert "settings" not in rooms_of(MODULES[name])


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith(PURE)])
def test_pure_parts_know_no_clock_and_no_files(name: str) -> None:
    modules = {other.split(".")[0] for other in imported(MODULES[name])}
    assert not modules & IMPURE_MODULES
    calls = {node.func.id for node in ast.walk(MODULES[name]) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Name)}  # fmt: skip
    assert "open" not in calls


def test_only_the_scripts_import_config() -> None:
    assert not [name for name, tree in MODULES.items() if "config" in set(imported(tree))]


# ---- how large things may become

LONGEST, MEDIAN, MOST_ENTRIES = 250, 110, 20


def lines_of(name: str) -> int:
    return len((PACKAGE / f"{name}.py").read_text().splitlines())


def test_the_package_has_few_entries() -> None:
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= MOST_ENTRIES


def test_modules_are_short() -> None:
    """But for the drawn scene, which is out of everybody's way."""
    lengths = {name: lines_of(name) for name in MODULES if not name.startswith("demo/")}
    assert not {name for name, lines in lengths.items() if lines > LONGEST}
    assert statistics.median(lengths.values()) <= MEDIAN
