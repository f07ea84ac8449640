"""Settings: what is wrong is found at the start, all of it at once, and said by its name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from pynvr.errors import SettingsError
from pynvr.settings import Settings, load
from pynvr.settings.loading import installed_defaults

Make = Callable[..., Settings]
SetConfig = Callable[[str], Path]


@pytest.fixture
def override(tmp_path: Path) -> SetConfig:
    """Write an override file for --config."""

    def write(text: str) -> Path:
        path = tmp_path / "camera one.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(config: ModuleType, override_file: Path | None = None, **arguments: object) -> list[str]:
    """The lines of complaint, less the heading."""
    with pytest.raises(SettingsError) as caught:
        load(config, override_file, arguments)
    assert caught.value.exit_code == 78
    heading, *lines = str(caught.value).splitlines()
    assert heading == "wrong settings:"
    assert all(line.startswith("  ") for line in lines)
    return [line.strip() for line in lines]


# ---- defaults and precedence


def test_defaults_are_those_of_the_contract(config_module: ModuleType) -> None:
    settings = load(config_module)
    assert settings.cam == "0"
    assert settings.scaleFrameTo is None
    assert settings.APP_LOG_LEVEL == logging.INFO
    assert settings.MAIN_LOG_FILE_MAX_SIZE == 32 * 1024 * 1024
    assert settings.LOG_BACKUPS_COUNT == 20
    assert settings.LOG_TO_CONSOLE is True
    assert settings.INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS == 5
    assert settings.MINIMAL_MOTION_DURATION == 10
    assert settings.PRE_ALARM_RECORDING_SECONDS == 5
    assert (settings.FOURCC_CODEC, settings.OUTPUT_FILES_EXTENSION) == ("DIVX", ".avi")
    assert settings.OUTPUT_FRAME_RATE is None
    assert settings.PRE_ALARM_MEMORY_LIMIT_MB == 256
    assert settings.subFolderNameGeneratorFunc
    moment = datetime(2017, 4, 2, 13, 20, 17, tzinfo=timezone.utc)
    assert settings.subFolderNameGeneratorFunc(moment) == "2017-04-02"
    assert settings.MOTION_DETECTOR == "robust"
    detector = (500, 11, 10, 8, 4, 1500)
    assert detector == (
        settings.DETECTION_WIDTH,
        settings.GAUSSIAN_BLUR_SIZE,
        settings.PIXEL_THRESHOLD,
        settings.DILATE_ITERATIONS,
        settings.ERODE_ITERATIONS,
        settings.MOTION_AREA_THRESHOLD,
    )


def test_arguments_beat_the_file_which_beats_the_config(
    config_module: ModuleType, override: SetConfig
) -> None:
    config_module.__dict__.update(cam="config", LOG_BACKUPS_COUNT=1, PIXEL_THRESHOLD=1)
    path = override("cam = 'file'\nLOG_BACKUPS_COUNT = 2\n")
    settings = load(config_module, path, {"cam": "argument"})
    assert (settings.cam, settings.LOG_BACKUPS_COUNT, settings.PIXEL_THRESHOLD) == ("argument", 2, 1)


def test_relative_paths_start_at_the_project(
    config_module: ModuleType, project: Path, tmp_path: Path
) -> None:
    settings = load(config_module, None, {"LOG_FILE_PATH": str(tmp_path / "absolute.log")})
    assert project.resolve() / "video" == settings.PATH_FOR_VIDEO
    assert tmp_path / "absolute.log" == settings.LOG_FILE_PATH


@pytest.mark.parametrize("installed", [False, True])
def test_the_installed_command_has_the_same_defaults_and_starts_where_the_user_is(
    config_module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.chdir(tmp_path)

    class Packed(metadata.PackagePath):
        def locate(self) -> Path:
            return Path(config_module.__file__ or "")

    files = (
        [metadata.PackagePath("pynvr/cli.py"), Packed("../../share/pynvr/config.py")] if installed else None
    )
    monkeypatch.setattr(metadata, "files", lambda name: files)
    settings = load(installed_defaults())
    assert tmp_path / "video" == settings.PATH_FOR_VIDEO
    ours = {name: value for name, value in vars(config_module).items() if name.isupper() or name == "cam"}
    assert {name: value for name, value in vars(installed_defaults()).items() if name in ours} == ours


def test_settings_are_frozen(make_settings: Make) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        make_settings().cam = "1"  # type: ignore[misc]


# ---- values that are fine


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("cam", 0, "0"),
        ("cam", 2, "2"),
        ("cam", "rtsp://u:p@h/s", "rtsp://u:p@h/s"),
        ("APP_LOG_LEVEL", "DEBUG", logging.DEBUG),
        ("scaleFrameTo", [640, 480], (640, 480)),
        ("subFolderNameGeneratorFunc", None, None),
        ("OUTPUT_FRAME_RATE", 12, 12.0),
        ("PRE_ALARM_RECORDING_SECONDS", 0, 0.0),
        ("PRE_ALARM_RECORDING_SECONDS", 2.5, 2.5),
        ("GAUSSIAN_BLUR_SIZE", 1, 1),
    ],
)
def test_good_value(make_settings: Make, name: str, value: object, expected: object) -> None:
    assert getattr(make_settings(**{name: value}), name) == expected


# ---- values that are wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cam", ""),
        ("cam", None),
        ("cam", True),
        ("cam", 1.5),
        ("scaleFrameTo", 640),
        ("scaleFrameTo", (640,)),
        ("scaleFrameTo", (640, 480, 3)),
        ("scaleFrameTo", ("640", "480")),
        ("scaleFrameTo", (0, 480)),
        ("scaleFrameTo", (-640, 480)),
        ("LOG_FILE_PATH", ""),
        ("LOG_FILE_PATH", None),
        ("APP_LOG_LEVEL", "LOUD"),
        ("APP_LOG_LEVEL", -1),
        ("MAIN_LOG_FILE_MAX_SIZE", -1),
        ("MAIN_LOG_FILE_MAX_SIZE", 1.5),
        ("LOG_BACKUPS_COUNT", "20"),
        ("LOG_BACKUPS_COUNT", 0),
        ("LOG_FORMAT", "%(nonsense"),
        ("LOG_FORMAT", "%(levlname)s"),
        ("LOG_FORMAT", "%(levelname)d"),
        ("LOG_FORMAT", 3),
        ("LOG_TO_CONSOLE", 1),
        ("MOTION_DETECTION_FPS", 0.2),
        ("LOG_TO_CONSOLE", "yes"),
        ("INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS", -1),
        ("MINIMAL_MOTION_DURATION", "10"),
        ("MINIMAL_MOTION_DURATION", float("nan")),
        ("MINIMAL_MOTION_DURATION", float("inf")),
        ("PRE_ALARM_RECORDING_SECONDS", -0.1),
        ("PRE_ALARM_RECORDING_SECONDS", True),
        ("PATH_FOR_VIDEO", 7),
        ("PATH_FOR_VIDEO", "~nosuchuser/video"),
        ("MOTION_MASK", "~nosuchuser/m.png"),
        ("LOG_FILE_PATH", "a\0b"),
        ("subFolderNameGeneratorFunc", "2017"),
        ("FOURCC_CODEC", "H264"),
        ("FOURCC_CODEC", "divx"),
        ("OUTPUT_FILES_EXTENSION", "avi"),
        ("OUTPUT_FILES_EXTENSION", ".mkv"),
        ("OUTPUT_FRAME_RATE", 0),
        ("OUTPUT_FRAME_RATE", -25),
        ("PRE_ALARM_MEMORY_LIMIT_MB", 0),
        ("WRITER_QUEUE_LIMIT_MB", -1),
        ("CAMERA_QUEUE_LIMIT_MB", None),
        ("DETECTION_WIDTH", 0),
        ("DETECTION_WIDTH", 500.5),
        ("NORMALIZE_CONTRAST", 0),
        ("GAUSSIAN_BLUR_SIZE", 10),
        ("GAUSSIAN_BLUR_SIZE", -1),
        ("PIXEL_THRESHOLD", 256),
        ("DILATE_ITERATIONS", -1),
        ("ERODE_ITERATIONS", 1000),
        ("MOTION_AREA_THRESHOLD", 0),
    ],
)
def test_bad_value_is_named_and_shown(config_module: ModuleType, name: str, value: object) -> None:
    lines = faults(config_module, **{name: value})
    assert lines
    assert all(line.startswith(f"{name} = ") for line in lines)


def test_a_list_is_called_as_in_the_documents(config_module: ModuleType) -> None:
    assert faults(config_module, ARMED_TIMES="Mon-Fri") == ["ARMED_TIMES = 'Mon-Fri': expected list, got str"]


def test_list_of_codecs_that_work_is_given(config_module: ModuleType) -> None:
    (line,) = faults(config_module, FOURCC_CODEC="H264")
    assert all(codec in line for codec in ("DIVX", "XVID", "mp4v", "MJPG"))


def test_codec_and_container_have_to_match(config_module: ModuleType) -> None:
    (line,) = faults(config_module, FOURCC_CODEC="MJPG", OUTPUT_FILES_EXTENSION=".mp4")
    assert "MJPG" in line
    assert "OUTPUT_FILES_EXTENSION" in line


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_containers_of_copy_mode_only(config_module: ModuleType, suffix: str) -> None:
    (line,) = faults(config_module, OUTPUT_FILES_EXTENSION=suffix)
    assert f'OUTPUT_FILES_EXTENSION = "{suffix}"' in line
    assert 'RECORDING_MODE = "copy"' in line


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".avi", ".mkv"])
def test_copy_mode_takes_every_container_as_the_codec_is_not_known_yet(
    config_module: ModuleType, suffix: str
) -> None:
    settings = load(config_module, arguments={"RECORDING_MODE": "copy", "OUTPUT_FILES_EXTENSION": suffix})
    assert suffix == settings.OUTPUT_FILES_EXTENSION


def test_all_faults_are_told_at_once(config_module: ModuleType, override: SetConfig) -> None:
    path = override("PIXEL_TRESHOLD = 5\nLOG_BACKUPS_COUNT = 'many'\nMINIMAL_MOTION_DURATION = -1\n")
    lines = faults(config_module, path, cam="")
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "PIXEL_TRESHOLD",
        "cam",
        "LOG_BACKUPS_COUNT",
        "MINIMAL_MOTION_DURATION",
    ]


# ---- names that are wrong


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("MINIMAL_MOTION_DURATON", "MINIMAL_MOTION_DURATION"),
        ("PRE_ALARM_RECORDING_SECS", "PRE_ALARM_RECORDING_SECONDS"),
        ("path_for_video", "PATH_FOR_VIDEO"),
        ("scaleframeto", "scaleFrameTo"),
        ("ScaleFrameTo", "scaleFrameTo"),
        ("scaleFramesTo", "scaleFrameTo"),
        ("subFolderNameGeneratorFunction", "subFolderNameGeneratorFunc"),
        ("CAM", "cam"),
        ("LOG_FILEPATH", "LOG_FILE_PATH"),
        ("FOUR_CC_CODEC", "FOURCC_CODEC"),
    ],
)
def test_misspelt_name_says_which_was_meant(
    config_module: ModuleType, override: SetConfig, wrong: str, meant: str
) -> None:
    (line,) = faults(config_module, override(f"{wrong} = None\n"))
    assert line.startswith(f"{wrong}:")
    assert f"did you mean {meant}?" in line


def test_unknown_name_in_capitals(config_module: ModuleType, override: SetConfig) -> None:
    (line,) = faults(config_module, override("COFFEE = 'black'\n"))
    assert line == "COFFEE: no such setting; config.py lists all of them"


def test_misspelt_name_in_the_machines_own_file(config_module: ModuleType) -> None:
    config_module.__dict__["LOG_BACKUP_COUNT"] = 3
    (line,) = faults(config_module)
    assert "did you mean LOG_BACKUPS_COUNT?" in line


def test_helpers_and_imports_are_no_settings(config_module: ModuleType, override: SetConfig) -> None:
    path = override(
        "import os\nfrom pathlib import Path\n_private = 1\nhome = Path('/srv')\n"
        "def by_hour(utc):\n    return utc.strftime('%H')\n"
        "subFolderNameGeneratorFunc = by_hour\nPATH_FOR_VIDEO = home / 'video'\n"
    )
    settings = load(config_module, path)
    assert Path("/srv/video") == settings.PATH_FOR_VIDEO
    assert settings.subFolderNameGeneratorFunc
    assert settings.subFolderNameGeneratorFunc(datetime(2017, 4, 2, 13, tzinfo=timezone.utc)) == "13"


def test_no_password_of_a_wrong_setting_is_told(config_module: ModuleType) -> None:
    addresses = {"cam": "rtsp://me:s3cret word@host/", "RECORDING_CAM": "http://host/?tok=s3cret word"}
    lines = faults(config_module, LOG_FORMAT="s3cret word %(nonsense", **addresses)
    assert lines
    assert not [line for line in lines if "s3cret" in line]


def test_setting_without_default(config_module: ModuleType) -> None:
    del config_module.__dict__["PIXEL_THRESHOLD"]
    (line,) = faults(config_module)
    assert line == "PIXEL_THRESHOLD: has no value; config.py sets a default for it"


def test_a_name_with_a_colon_has_no_value(config_module: ModuleType, override: SetConfig) -> None:
    """As YAML has it: to Python that is a remark on the name's type."""
    path = override('cam: "rtsp://host/"\nPIXEL_THRESHOLD: int = 9\nhelper: str\n')
    with pytest.raises(SettingsError) as caught:
        load(config_module, path)
    assert str(caught.value).splitlines()[1:] == ["  cam: has no value; write cam = …, not cam: …"]


# ---- a --config file that cannot be read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cam = = 1", "line 1: SyntaxError"),
        ("cam = '1'\n  x = 2", "line 2: IndentationError"),
        ("import nonsense_of_mine", "ModuleNotFoundError: No module named 'nonsense_of_mine'"),
        ("cam = 1 / 0", "line 1: ZeroDivisionError"),
        ("x = 1\ncam = undefined", "line 2: NameError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("cam = 1\0", "null bytes"),
    ],
)
def test_broken_file(config_module: ModuleType, override: SetConfig, text: str, said: str) -> None:
    path = override(text)
    with pytest.raises(SettingsError) as caught:
        load(config_module, path)
    message = str(caught.value)
    assert message.startswith(f"--config {path}")
    assert said in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(("name", "said"), [("missing.py", "No such file"), (".", "Is a directory")])
def test_no_file(config_module: ModuleType, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"--config .*: {said}"):
        load(config_module, tmp_path / name)
