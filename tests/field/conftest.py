"""What the field tests share: files of all kinds, the recorder, and a table of what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from footage import Footage
from recorder import Recorder
from results import NOTED, Note, Results


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("field")
    group.addoption("--field-table", type=Path, help="write what became of each file there as Markdown")


def pytest_configure(config: pytest.Config) -> None:
    # the option is unknown when this folder is not named on the command line
    config.pluginmanager.register(Results(config.getoption("field_table", None)))


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Footage:
    """The odd files, in a folder that all workers of pytest-xdist have."""
    base = tmp_path_factory.getbasetemp()
    return Footage((base.parent if hasattr(request.config, "workerinput") else base) / "field")


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    """pynvr, ready to run."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Put into the table what came of a row: `note(section, row, mode, verdict)`."""

    def note(section: str, row: str, mode: str, verdict: str) -> None:
        # JSON carries it from a worker
        properties: list[tuple[str, Any]] = request.node.user_properties
        properties.append((NOTED, [section, row, mode, verdict]))

    return note
