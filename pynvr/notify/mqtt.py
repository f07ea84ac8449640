"""Sends events, state and pictures to an MQTT broker, and takes its orders. Needs the extra paho-mqtt."""

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynvr.errors import SettingsError
from pynvr.notify import home_assistant
from pynvr.notify.broker import Broker
from pynvr.notify.event import DeliveryError, Parcel

log = logging.getLogger(__name__)

ACKNOWLEDGED_S = 10.0
"""If the broker does not acknowledge an event within this time, the delivery has failed."""
KEEP_ALIVE_S = 30
RECONNECT_S = 1.0, 60.0
"""The first and the longest pause between two tries to connect; each is twice the one before."""
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
    """One connection at a time, each with a client of its own on the receiver's thread.

    A client that lived on would send what it got no answer to at its next connection, after what is true by
    then, and however late. What is to be sent again is known to the postman and to `_retained` alone.
    """

    name = "mqtt"
    uses_files = False

    def __init__(self, broker: Broker, camera: str, orders: Orders, ca_file: Path | None) -> None:
        """Prepare a connection; raises SettingsError without the extra, or for a wrong CA file.

        `ca_file` holds the certificates that are trusted; None: those of the system.
        """
        self._broker = broker
        self._camera = camera
        self._orders = orders
        self._retained: dict[str, str | bytes] = {"motion": "OFF"}
        """What is retained, by topic; sent again at each connection, since the broker may be a new one."""
        self._unanswered: dict[tuple[Any, str], Any] = {}
        """Events not acknowledged in time, by client and id: they are waited for, and not sent twice."""
        self._complained = False
        self._connected_s: float | None = None
        """The monotonic time at which the broker agreed to this connection."""
        self._repeated: str | bytes | None = None
        """The picture that was sent again at this connection."""
        self._in_vain = 0
        """How many connections in a row ended soon after that."""
        self.on_connected: Callable[[], None] = lambda: None
        self._tls: ssl.SSLContext | None = None
        if broker.tls:
            try:
                self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                self._tls.load_verify_locations(ca_file) if ca_file else self._tls.load_default_certs()
            except OSError as error:  # ssl.SSLError too
                raise SettingsError(f"MQTT_CA_FILE = {str(ca_file)!r}: {error}") from None
        self._sending = threading.Lock()
        """Held while what is retained is sent, so that the broker gets the latest last."""
        try:
            self._client = self._new_client()
        except ImportError:
            raise SettingsError(
                "MQTT_URL needs paho-mqtt: .venv/bin/pip install -r requirements-mqtt.txt"
            ) from None
        self._lost, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="MQTT", daemon=True)

    def _new_client(self) -> Any:
        client = self._broker.client(self._tls)
        client.will_set(self._topic("availability"), "offline", qos=1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._ordered
        return client

    def start(self) -> None:
        """Begin to connect, and go on until it works."""
        self._thread.start()

    def deliver(self, parcel: Parcel) -> None:
        client = self._client
        if not client.is_connected():
            raise DeliveryError(f"not connected to {self._broker.host}:{self._broker.port}")
        event = parcel.event
        if event is not None:
            # if the broker answers late, it is not to have the event twice
            sent = self._unanswered.pop((client, event.id), None) or client.publish(
                self._topic("event"), event.as_json(), qos=1
            )
            try:
                for _ in range(100):  # nobody answers any more when the connection is lost
                    sent.wait_for_publish(ACKNOWLEDGED_S / 100)
                    if sent.is_published() or not client.is_connected():
                        break
            except (RuntimeError, ValueError) as error:
                raise DeliveryError(f"not sent: {error}") from None
            if not sent.is_published():
                self._unanswered[client, event.id] = sent
                raise DeliveryError("the broker does not answer")
            if event.type == "recording_closed" and event.picture is not None:
                with suppress(OSError):  # retention was quicker
                    self.show("picture", Path(event.picture).read_bytes())
        if parcel.jpeg is not None:
            self.show("picture", parcel.jpeg)

    def show(self, topic: str, content: str | bytes) -> None:
        """Publish a text or picture, retained, under the topic; never waits."""
        with self._sending:
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
        self._stopping.set()
        client = self._client
        if client.is_connected():
            gone = client.publish(self._topic("availability"), "offline", qos=1, retain=True)
            with suppress(RuntimeError, ValueError):  # the connection was lost at this moment
                gone.wait_for_publish(1.0)
        client.disconnect()
        self._thread.join(1.0)

    def _topic(self, name: str) -> str:
        return f"{self._broker.topic}/{name}"

    def _publish(self, topic: str, content: str | bytes) -> None:
        # unacknowledged, or pictures would pile up in memory; the next connection sends all anew
        self._client.publish(self._topic(topic), content, retain=True)

    # --- on its thread --------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s, longest_s = RECONNECT_S
        while not self._stopping.is_set():
            self._lost.clear()
            try:
                self._client.connect(self._broker.host, self._broker.port, KEEP_ALIVE_S)
                self._client.loop_start()
                self._lost.wait()
                with suppress(AttributeError):  # paho's thread ends by itself, perhaps while it is waited for
                    self._client.loop_stop()
            except (OSError, ValueError) as error:  # a host's name can be none
                self._complain(str(error))
            if self._connected_s is not None:
                pause_s = RECONNECT_S[0]
            self._connected_s, self._client = None, self._new_client()
            self._unanswered.clear()
            self._stopping.wait(pause_s)
            pause_s = min(longest_s, 2 * pause_s)

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._stopping.is_set():
            client.disconnect()
            return
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
        with self._sending:
            for topic, content in self._retained.items():
                self._publish(topic, content)
        self._publish("availability", "online")
        self.on_connected()

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._lost.set()
        if reason.is_failure:
            # paho says "Unspecified error"; of two clients of one name a broker sends the older one away, and
            # one that sends more than it takes
            soon, hint = time.monotonic() - (self._connected_s or 0.0) < SOON_S, ""
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
        self._client.publish(*home_assistant.discovery(self._broker, self._camera), retain=True)

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
