"""What all tests share: settings and scripts in a folder of their own, and an ear for errors."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from running import ROOT, RecorderProcess, ScriptResult, defaults

from pynvr.settings import Settings, load
from pynvr.sources.stoppable import may_hang

SCRIPTS = ("motion_driven_recorder.py", "motion_detection_test.py", "motion_detection_test_with_contours.py")

hypothesis_settings.register_profile("pynvr", deadline=None, derandomize=True, max_examples=60)
hypothesis_settings.load_profile("pynvr")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="faults 20 times, 300 spoilt files")


def pytest_configure() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, and then pynvr ignores it, too


SLOW_FIXTURES = {"run_script", "start", "screen", "page"}
"""A test that asks for one of them starts processes or a browser, and is `slow` without saying so."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    # so that no worker has a long one at the end, while the others have nothing to do
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(autouse=True)
def _ear(request: pytest.FixtureRequest) -> Iterator[_Ear]:
    """Fail every test that logged an ERROR and does not ask for the fixture `logged_errors`."""
    ear, root = _Ear(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # on pynvr's own logger, since cli.record sets up the root logger anew
    logging.getLogger("pynvr").addHandler(ear)
    yield ear
    logging.getLogger("pynvr").removeHandler(ear)
    root.handlers[:], root.level = handlers, level
    if "logged_errors" not in request.fixturenames:
        assert ear.messages == [], "the test logged errors and does not ask for the fixture logged_errors"


@pytest.fixture(autouse=True)
def _no_hanging_threads_of_others() -> Iterator[None]:
    """A command ends the process at once if a camera's thread hangs: it must be one of its own."""
    may_hang.clear()
    yield


@pytest.fixture
def logged_errors(_ear: _Ear) -> list[str]:
    """What was logged as ERROR. A test that asks for it expects some."""
    return _ear.messages


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as a user has it, with the real scripts and package, but with no settings of this machine."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in (*SCRIPTS, "config.py"):
        shutil.copy(ROOT / name, folder)
    (folder / "pynvr").symlink_to(ROOT / "pynvr")
    return folder


@pytest.fixture
def archive_path(tmp_path: Path) -> Path:
    """Where the scripts and the settings of a test record to."""
    return tmp_path / "video"


@pytest.fixture
def run_script(project: Path, tmp_path: Path) -> Callable[..., ScriptResult]:
    """Run one of the scripts as a process.

    `run_script(name, *arguments, config={…})`: the settings of `config` go into a --config file, on
    top of ones that keep archive and log within tmp_path and the console quiet. Coverage follows into
    the process (`patch = subprocess` in pyproject.toml).
    """

    def run(name: str, *arguments: object, config: Mapping[str, object] | None = None) -> ScriptResult:
        chosen = defaults(tmp_path) | dict(config or {})
        config_file = tmp_path / "chosen.py"
        config_file.write_text(
            "".join(f"{key} = {value!r}\n" for key, value in chosen.items()), encoding="utf-8"
        )
        command = [sys.executable, str(project / name), "--config", str(config_file), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)

    return run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RecorderProcess]]:
    """Start the recorder and let it run: `start(cam=…, OTHER_SETTING=…)`; it is killed when the test ends."""
    with ExitStack() as stack:

        def begin(**settings: object) -> RecorderProcess:
            # what is to be recorded is worked out frame by frame
            chosen = {"MOTION_DETECTOR": "classic", **settings}
            return stack.enter_context(RecorderProcess(tmp_path / "recorder", **chosen))

        yield begin


@pytest.fixture
def config_module(project: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """config.py as a module of its own, in the test's project folder, without overrides of this machine."""
    monkeypatch.setitem(sys.modules, "machine_specific_configuration", None)
    spec = importlib.util.spec_from_file_location("config", project / "config.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make_settings(config_module: ModuleType, tmp_path: Path) -> Callable[..., Settings]:
    """Settings from config.py's defaults and keyword arguments; archive and log within tmp_path."""

    def make(**overrides: Any) -> Settings:
        return load(config_module, arguments=defaults(tmp_path) | overrides)

    return make
