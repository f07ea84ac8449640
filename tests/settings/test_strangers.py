"""Whoever else can read a password, or write what is executed as settings, is warned of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pynvr.settings import Settings
from pynvr.settings.strangers import settings_files, warn_of_strangers

Make = Callable[..., Settings]

SECRET = "rtsp://me:s3cret@host/"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of settings that is its owner's alone."""
    folder = tmp_path / "etc"
    folder.mkdir(0o700)
    path = folder / "camera.py"
    path.touch(0o600)
    path.write_text(f"cam = {SECRET!r}")
    return path


@pytest.mark.parametrize(
    ("mode", "folder_mode", "said"),
    [
        (0o600, 0o700, []),
        (0o660, 0o770, []),
        (0o604, 0o755, ["everybody can read it"]),
        (0o602, 0o700, ["others can write"]),
        (0o600, 0o777, ["others can write"]),
        (0o600, 0o1777, []),
        (0o606, 0o777, ["others can write", "others can write", "everybody can read it"]),
    ],
)
def test_modes(
    file: Path,
    make_settings: Make,
    caplog: pytest.LogCaptureFixture,
    mode: int,
    folder_mode: int,
    said: list[str],
) -> None:
    settings = make_settings(cam=SECRET)
    file.chmod(mode)
    file.parent.chmod(folder_mode)
    warn_of_strangers(settings, [file], None)
    assert len(caplog.messages) == len(said)
    assert all(words in message for words, message in zip(said, caplog.messages, strict=True))
    assert "s3cret" not in caplog.text


def test_who_has_no_password_may_be_read(
    file: Path, make_settings: Make, caplog: pytest.LogCaptureFixture
) -> None:
    file.chmod(0o604)
    defaults = file.with_name("config.py")
    defaults.write_text("cam = '0'")
    warn_of_strangers(make_settings(cam=SECRET), [defaults], None)
    warn_of_strangers(make_settings(cam="rtsp://host/cam/realmonitor?channel=1&subtype=0"), [file], None)
    assert caplog.messages == []


def test_a_password_that_the_file_encodes_itself(
    file: Path, make_settings: Make, caplog: pytest.LogCaptureFixture
) -> None:
    file.chmod(0o604)
    file.write_text('from urllib.parse import quote\ncam = "rtsp://me:" + quote("s3c/ret", "") + "@host/"')
    warn_of_strangers(make_settings(cam="rtsp://me:s3c%2Fret@host/"), [file], None)
    assert "everybody can read it" in caplog.text


def test_a_password_on_the_command_line_is_seen_by_everybody(
    make_settings: Make, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_strangers(make_settings(cam=SECRET), [], SECRET)
    assert "--cam holds a password" in caplog.text
    caplog.clear()
    warn_of_strangers(make_settings(), [], "rtsp://host/")
    assert caplog.messages == []


def test_every_file_that_was_executed_is_looked_at(config_module: ModuleType, file: Path) -> None:
    config = Path(config_module.__file__ or "")
    own = config.with_name("machine_specific_configuration.py")
    assert settings_files(config_module, None) == [config]
    own.touch()
    assert settings_files(config_module, file) == [config, own, file]
