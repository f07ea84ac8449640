"""The documents agree with the code and with each other: settings, messages, links, figures."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from types import ModuleType

import cv2
import pytest
from test_rooms import LAYERS, MODULES, PACKAGE

from pynvr.settings import Settings
from pynvr.settings.fields import TYPES

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks/README.md",
]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


def text(name: str) -> str:
    return (ROOT / name).read_text()


def rows(page: str, columns: int) -> Iterator[list[str]]:
    """Cells of every table row that has so many columns."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if line.startswith("|") and len(cells) == columns:
            yield cells


def test_the_readme_is_read_to_its_end() -> None:
    assert len(text("README.md").splitlines()) <= 150


# ---- links


def anchors(page: str) -> set[str]:
    """What a heading is called in a link, by GitHub's rule."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: str) -> list[str]:
    """Within the project; what lies elsewhere cannot be looked up by a test."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", page) if "://" not in link]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for link in links(text(name)):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_every_page_can_be_found() -> None:
    """From the README, by links."""
    found, to_read = set[Path](), [ROOT / "README.md"]
    while to_read:
        page = to_read.pop().resolve()
        if page not in found and page.suffix == ".md":
            found.add(page)
            to_read += [
                page.parent / link.partition("#")[0] for link in links(page.read_text()) if link[0] != "#"
            ]
    assert set(PAGES) <= found


OF_THE_USER = {"machine_specific_configuration.py", "copy.py", "email.py"}


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_named_exist(name: str) -> None:
    """Modules as `recording/writer.py`, from the root or from pynvr/."""
    for path in re.findall(r"`((?:[\w-]+/)*[\w-]+\.py)`", text(name)):
        if path in OF_THE_USER:
            continue
        folders = ROOT, ROOT / "pynvr", (ROOT / name).parent
        assert any((folder / path).exists() for folder in folders), path


# ---- settings


def setting_rows() -> dict[str, tuple[str, str]]:
    """Name to default and example, as docs/settings.md has them."""
    found = {}
    for name, default, _, example in rows(text("docs/settings.md"), 4):
        if name.startswith("`"):
            found[name.strip("`")] = default.strip("`"), example.strip("`").replace("\\|", "|")
    return found


ROWS = setting_rows()


def test_every_setting_has_a_row() -> None:
    assert set(ROWS) == set(TYPES)


@pytest.mark.parametrize("name", ROWS)
def test_the_default_is_the_one_of_config(name: str, config_module: ModuleType) -> None:
    default = getattr(config_module, name)
    if callable(default):
        assert ROWS[name][0] == default.__name__.replace("_", " ")
    else:
        assert eval(ROWS[name][0], vars(config_module)) == default


GO_TOGETHER = {name: {"RECORDING_MODE": "copy"} for name in ("RECORDING_CAM", "RECORD_SOUND")}


@pytest.mark.parametrize("name", ROWS)
def test_the_example_is_a_good_setting(name: str, make_settings: Callable[..., Settings]) -> None:
    values: dict[str, object] = {}
    exec(ROWS[name][1], values)
    assert name in values, "the example sets its setting"
    make_settings(**GO_TOGETHER.get(name, {}), **{name: values[name]})


@pytest.mark.parametrize("name", NAMES)
def test_settings_that_are_named_exist(name: str) -> None:
    for span in re.findall(r"`([A-Z]+(?:_[A-Z]+)+(?: = [^`]*)?)`", text(name)):
        setting = span.partition(" ")[0]
        assert (
            setting in TYPES or setting.startswith("PYNVR_") or hasattr(cv2, setting) or span in messages()
        ), span


@pytest.mark.parametrize("name", [name for name in TYPES if name.startswith("GUARD_")])
def test_every_guard_has_its_place_and_its_picture(name: str, config_module: ModuleType) -> None:
    section = text("docs/detection.md").partition(f"### `{name} = {getattr(config_module, name)!r}`\n")[2]
    assert f"../img/{name.lower()}.jpg" in links(section.partition("###")[0])


PYTHON = [
    pytest.param(block, id=f"{name} {number}")
    for name in NAMES
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", text(name), re.M | re.S))
    if "for frame in source" not in block
]


@pytest.mark.parametrize("block", PYTHON)
def test_settings_to_paste_are_good(block: str, make_settings: Callable[..., Settings]) -> None:
    values: dict[str, object] = {}
    exec(block, values)
    make_settings(**{name: value for name, value in values.items() if name in TYPES})
    helpers = {name for name in values if not name.startswith("__")} - set(TYPES)
    assert all(callable(values[name]) or isinstance(values[name], ModuleType) for name in helpers)


# ---- messages


def template(node: ast.expr) -> str | None:
    """A message with … for everything that is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[\d.]*[srdfg]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{template(node.left) or '…'}{template(node.right) or '…'}"
    return None


@cache
def messages() -> set[str]:
    """All texts of the package."""
    trees = (*MODULES.values(), ast.parse((PACKAGE / "__init__.py").read_text()))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.expr))
    return {message for node in nodes if (message := template(node))}


def quoted_messages() -> Iterator[str]:
    for cell, _ in rows(text("docs/troubleshooting.md"), 2):
        if cell.startswith("`"):
            yield from re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("message", list(quoted_messages()))
def test_the_message_is_one_of_the_code(message: str) -> None:
    assert any(message in known for known in messages())


SPEAKS = {"debug": False, "info": True, "warning": True, "error": True, "critical": True, "exception": True}
OF_PROGRAMMERS = {
    "Habits.begin comes first",
    "…: a picture of shape … is not …",
    "no such time",
    "status: …",
    "…: has no trigger_utc",
    "…: no such file or time",
    "… is outside of the archive",
    "camera %s: … (…)",
}
"""Reasons within other messages, and what only a fault of the program can bring up."""


def messages_to_users(tree: ast.Module) -> Iterator[str]:
    """What is logged above DEBUG or raised, if there are words of its own in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func)
            if SPEAKS.get(called.removeprefix("log."), called.endswith("Error")):
                message = template(node.args[0])
                if message and re.search(r"[a-z]{3}.*[a-z]{3}", message):
                    yield message


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("demo")])
def test_every_message_to_users_is_explained(name: str) -> None:
    """In docs/troubleshooting.md, where a row may quote a part of it."""
    told, rows_of_page = set(messages_to_users(MODULES[name])) - OF_PROGRAMMERS, list(quoted_messages())
    assert [message for message in sorted(told) if not any(row in message for row in rows_of_page)] == []


# ---- design and figures


def between(page: str, name: str) -> str:
    match = re.search(rf"<!-- {name} -->\n(.*)<!-- end of {name} -->", page, re.S)
    assert match, name
    return match[1]


def test_the_layers_of_the_design_are_those_of_the_imports() -> None:
    drawn = [
        set(line.split())
        for line in between(text("docs/design.md"), "rooms").splitlines()
        if line[:1].isalpha()
    ]
    assert drawn == [set(layer) for layer in LAYERS]


@pytest.mark.parametrize("what", ["a frame", "a packet"])
def test_the_walk_is_short_and_enters_no_room_twice(what: str) -> None:
    table = rows(between(text("docs/design.md"), f"walk of {what}"), 3)
    hops = [module.strip("`") for number, module, _ in table if number.isdecimal()]
    assert 5 < len(hops) <= 12
    visited = [room for room, _ in groupby(hop.split("/")[0] for hop in hops)]
    assert len(visited) == len(set(visited))


def test_the_headline_figures_are_those_of_the_tables() -> None:
    """Each number of the README's table is a number of docs/figures.md."""
    tables = set(re.findall(r"\d+(?:\.\d+)?", text("docs/figures.md")))
    cells = [cell for row in rows(between(text("README.md"), "headline figures"), 5) for cell in row[1:]]
    numbers = [number for cell in cells[4:] for number in re.findall(r"\d+(?:\.\d+)?", cell)]
    assert len(numbers) > 10
    assert set(numbers) <= tables
