"""Makes the receivers that the settings ask for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from pynvr.archive.archive import Archive
from pynvr.archive.replaced_file import ReplacedFile
from pynvr.media.frame import Frame, Gap
from pynvr.notify import broker
from pynvr.notify.hook import FunctionReceiver
from pynvr.notify.latest_picture import LatestPicture
from pynvr.notify.metrics import as_text
from pynvr.notify.mqtt import MqttReceiver, Orders
from pynvr.notify.outbox import Outbox
from pynvr.notify.postman import Receiver
from pynvr.notify.watch import Condition, Watch
from pynvr.recording.arming import Arming
from pynvr.recording.base import Recorder
from pynvr.redaction import without_password
from pynvr.settings import Settings


class Notifications:
    """Receivers, metrics and the latest picture; started and stopped with a `with`."""

    def __init__(self, settings: Settings, archive: Archive, arming: Arming) -> None:
        """Make what is asked for; raises SettingsError if that cannot work.

        Enter it before anything is added to the archive's index.
        """
        camera = settings.CAMERA_NAME or without_password(settings.cam)
        camera = camera.encode(errors="backslashreplace").decode()  # a file's name may be no text
        root = archive.root
        timeout_s = settings.EVENT_TIMEOUT_SECS
        receivers: list[Receiver] = []
        if settings.onEventFunc is not None:
            receivers.append(FunctionReceiver(settings.onEventFunc, timeout_s, root))
        if settings.ON_EVENT_COMMAND is not None:
            from pynvr.notify.command import CommandReceiver  # only a command needs it

            receivers.append(CommandReceiver(settings.ON_EVENT_COMMAND, timeout_s, root))
        self._mqtt: MqttReceiver | None = None
        if settings.MQTT_URL is not None:
            orders = Orders(arming.say, arming.record, archive.keep)
            address = broker.parse(settings.MQTT_URL)
            self._mqtt = MqttReceiver(address, camera, orders, settings.MQTT_CA_FILE)
            receivers.append(self._mqtt)
        self._outbox = Outbox(receivers, root, archive.index, camera) if receivers else None
        path = settings.LATEST_PICTURE_PATH
        self._latest = None if path is None else LatestPicture(path, settings.LATEST_PICTURE_SECS)
        self._watch: Watch | None = None
        self.observers: list[Callable[[Mapping[str, Any]], object]] = []
        """Told of each status."""
        if (outbox := self._outbox) is not None:
            archive.on_closed.append(lambda entry: outbox.recording_closed())
            self.observers.append(Condition(outbox))
            if self._mqtt is not None:
                self._mqtt.on_connected = lambda: outbox.hurry("mqtt")
        if settings.METRICS_FILE_PATH is not None:
            # node_exporter, which reads the file, is another user
            metrics = ReplacedFile(settings.METRICS_FILE_PATH, "METRICS_FILE_PATH: %s", 0o644)
            self.observers.append(lambda facts: metrics.write(as_text(facts, camera).encode()))
        if self._mqtt is not None:
            self.observers.append(self._mqtt.show_state)
            arming.on_change = partial(self._mqtt.show_whether, "armed")

    def __enter__(self) -> Notifications:
        for part in (self._latest, self._mqtt, self._outbox):
            if part is not None:
                part.start()
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self._latest, self._outbox):  # which closes the receivers
            if part is not None:
                part.close()

    @property
    def pictures_every_s(self) -> float | None:
        """How often whole pictures are wanted while nothing happens; None: never."""
        return None if self._latest is None else self._latest.every_s

    def watch(self, recorder: Recorder) -> Recorder:
        """The recorder, wrapped so that motion is reported."""
        if self._outbox is None:
            return recorder
        show = (lambda moving: None) if self._mqtt is None else partial(self._mqtt.show_whether, "motion")
        self._watch = Watch(recorder, self._outbox, show)
        return self._watch

    def first_picture(self, jpeg: bytes) -> None:
        if self._watch is not None:
            self._watch.first_picture(jpeg)

    def seen(self, frames: Iterator[Frame | Gap]) -> Iterator[Frame | Gap]:
        return frames if self._latest is None else self._latest.seen(frames)

    def facts(self) -> dict[str, Any]:
        return {} if self._outbox is None else {"events": self._outbox.status()}
