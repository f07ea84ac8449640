"""Sends events, state and pictures to an MQTT broker, and takes its orders. Needs the extra paho-mqtt."""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynvr.errors import SettingsError
from pynvr.notify import home_assistant
from pynvr.notify.broker import Broker
from pynvr.notify.event import DeliveryError, Parcel

log = logging.getLogger(__name__)

ACKNOWLEDGED_S = 10.0
"""If the broker does not acknowledge an event within this time, it is sent again."""
KEEP_ALIVE_S = 30
RECONNECT_S = 1, 60
SOON_S = 5.0
MOST_IN_VAIN = 2
"""A picture that ends so many connections is sent to no further one."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Functions for orders from outside. The client's thread calls them; they return soon."""

    arm: Callable[[bool], None]
    record: Callable[[], None]
    keep: Callable[[str], None]
    """Takes the id of a recording."""


class MqttReceiver:
    """One connection, which paho's own thread keeps up."""

    name = "mqtt"
    waits_for_picture = uses_files = False

    def __init__(self, broker: Broker, camera: str, orders: Orders, ca_file: Path | None) -> None:
        """Prepare a connection; raises SettingsError without the extra, or for a wrong CA file.

        `ca_file` holds the certificates that are trusted; None: those of the system.
        """
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise SettingsError(
                "MQTT_URL needs paho-mqtt: .venv/bin/pip install -r requirements-mqtt.txt"
            ) from None
        self._broker = broker
        self._camera = camera
        self._orders = orders
        self._retained: dict[str, str | bytes] = {"motion": "OFF"}
        """What is retained, by topic; sent again at each connection, since the broker may be a new one."""
        self._complained = False
        self._connected_s = 0.0
        self._repeated: str | bytes | None = None
        """The picture that was sent again at this connection."""
        self._in_vain = 0
        """How many connections in a row ended soon after that."""
        self.on_connected: Callable[[], None] = lambda: None
        # the same name at each start: a broker that still holds a lost connection lets it go at once
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"pynvr_{broker.node}")
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            try:
                client.tls_set(ca_certs=None if ca_file is None else str(ca_file))
            except OSError as error:  # ssl.SSLError too
                raise SettingsError(f"MQTT_CA_FILE = {str(ca_file)!r}: {error}") from None
        client.will_set(self._topic("availability"), "offline", qos=1, retain=True)
        client.reconnect_delay_set(*RECONNECT_S)
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        client.on_message = self._ordered
        self._client = client

    def start(self) -> None:
        """Begin to connect, and go on until it works."""
        self._client.connect_async(self._broker.host, self._broker.port, KEEP_ALIVE_S)
        self._client.loop_start()

    def deliver(self, parcel: Parcel) -> None:
        if not self._client.is_connected():
            raise DeliveryError(f"not connected to {self._broker.host}:{self._broker.port}")
        event = parcel.event
        if event is not None:
            sent = self._client.publish(self._topic("event"), event.as_json(), qos=1)
            try:
                sent.wait_for_publish(ACKNOWLEDGED_S)
            except (RuntimeError, ValueError) as error:
                raise DeliveryError(f"not sent: {error}") from None
            if not sent.is_published():
                raise DeliveryError("the broker does not answer")
            if event.type == "recording_closed" and event.picture is not None:
                self._show_file(Path(event.picture))
        if parcel.jpeg is not None:
            self.show("picture", parcel.jpeg)

    def show(self, topic: str, content: str | bytes) -> None:
        """Publish a text or picture, retained, under the topic; never waits."""
        self._retained[topic] = content
        if self._client.is_connected():
            self._publish(topic, content)

    def show_whether(self, topic: str, true: bool) -> None:
        self.show(topic, "ON" if true else "OFF")

    def show_state(self, facts: Mapping[str, Any]) -> None:
        """Publish the status file's content, retained, if connected; it is soon out of date."""
        if self._client.is_connected():
            self._client.publish(self._topic("state"), json.dumps(facts), retain=True)

    def close(self) -> None:
        """Say that the recorder is gone, and disconnect."""
        if self._client.is_connected():
            gone = self._client.publish(self._topic("availability"), "offline", qos=1, retain=True)
            try:
                gone.wait_for_publish(1.0)
            except (RuntimeError, ValueError):
                log.debug("the broker did not hear that the recorder stops")
        self._client.disconnect()
        self._client.loop_stop()

    def _topic(self, name: str) -> str:
        return f"{self._broker.topic}/{name}"

    def _publish(self, topic: str, content: str | bytes) -> None:
        # pictures would pile up in memory if they were kept until a slow broker acknowledges them
        self._client.publish(self._topic(topic), content, qos=int(isinstance(content, str)), retain=True)

    def _show_file(self, path: Path) -> None:
        try:
            self.show("picture", path.read_bytes())
        except OSError:  # retention was quicker
            log.debug("%s is gone", path)

    # --- on the client's thread -----------------------------------------------------------------

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._complain(str(reason))
            return
        log.info("MQTT: connected to %s:%d", self._broker.host, self._broker.port)
        self._complained, self._connected_s = False, time.monotonic()
        names = ("armed/set", "record/set", "keep/set")
        client.subscribe([(self._topic(name), 1) for name in names])
        client.subscribe(home_assistant.STATUS_TOPIC)
        self._discover()
        self._repeated = self._retained.get("picture")
        for topic, content in self._retained.copy().items():
            self._publish(topic, content)
        self._publish("availability", "online")
        self.on_connected()

    def _failed(self, _client: Any, _data: Any) -> None:
        self._complain(str(sys.exc_info()[1]))  # paho calls while it handles the error

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            # paho says "Unspecified error"; of two clients of one name a broker sends the older one away, and
            # one that sends more than it takes
            soon, hint = time.monotonic() - self._connected_s < SOON_S, ""
            self._in_vain = self._in_vain + 1 if soon and self._repeated is not None else 0
            if self._repeated is not None and self._in_vain >= MOST_IN_VAIN:
                hint = f": does the broker take pictures of {len(self._repeated) / 1000:.0f} kB?"
                self._retained.pop("picture", None)  # or it would end each connection
            elif soon:
                hint = ": does another recorder have this MQTT_URL?"
            self._complain(f"the connection is lost{hint}")

    def _complain(self, reason: str) -> None:
        """Warn once for each loss of the connection."""
        level = logging.DEBUG if self._complained else logging.WARNING
        log.log(level, "MQTT: %s:%d: %s; trying again", self._broker.host, self._broker.port, reason)
        self._complained = True

    def _discover(self) -> None:
        topic, payload = home_assistant.discovery(self._broker, self._camera)
        self._client.publish(topic, payload, qos=1, retain=True)

    def _ordered(self, _client: Any, _data: Any, message: Any) -> None:
        text = message.payload.decode(errors="replace").strip()
        if message.topic == home_assistant.STATUS_TOPIC:
            if text == "online":
                self._discover()
            return
        name = message.topic.removeprefix(f"{self._broker.topic}/")
        if message.retain:  # it would be obeyed again at each connection
            log.warning("MQTT: a retained %s is ignored; send it without retain", name)
            return
        try:
            match name, text.upper():
                case "armed/set", ("ON" | "OFF") as word:
                    self._orders.arm(word == "ON")
                case "record/set", _:
                    self._orders.record()
                case "keep/set", _:
                    self._orders.keep(text)
                case _:
                    log.warning("MQTT: %s: %r is neither ON nor OFF", name, text[:40])
        except Exception:  # nothing that is sent may end the client's thread
            log.exception("MQTT: %s failed", name)
