"""A real MQTT broker (mosquitto) on a port of its own, and somebody who listens to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from running import until

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """A certificate for a host that signs itself, and its key."""
    crt, key = folder / f"{host}.crt", folder / f"{host}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
         "-keyout", key, "-out", crt],
        check=True, capture_output=True,
    )  # fmt: skip
    return crt, key


class Mosquitto:
    """A broker that can be killed and started again; with `keeps` it then knows what it had to deliver."""

    def __init__(
        self,
        folder: Path,
        tls: tuple[Path, Path] | None = None,
        password: str | None = None,
        keeps: bool = False,
        max_bytes: int | None = None,
    ) -> None:
        """A client that sends more than `max_bytes` at once is sent away."""
        self.port = free_port()
        self._config = folder / f"mosquitto_{self.port}.conf"
        lines = [f"listener {self.port} 127.0.0.1", "max_queued_messages 10000"]
        if max_bytes is not None:
            lines += [f"max_packet_size {max_bytes}"]
        if keeps:
            lines += ["persistence true", f"persistence_location {folder}/", "autosave_on_changes true"]
            lines += ["autosave_interval 1"]
        if tls is not None:
            lines += [f"certfile {tls[0]}", f"keyfile {tls[1]}"]
        if password is None:
            lines += ["allow_anonymous true"]
        else:
            users = folder / "users"
            users.touch(mode=0o700)
            subprocess.run(["mosquitto_passwd", "-b", users, "cam", password], check=True)
            lines += ["allow_anonymous false", f"password_file {users}"]
        if os.getuid() == 0:  # it would become another user, who may not read the folder
            lines += ["user root"]
        self._config.write_text("\n".join(lines) + "\n")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        assert MOSQUITTO, "install Debian's package mosquitto"
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def listens() -> bool:
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", self.port)) == 0

        until(listens, 10, "mosquitto to listen", 0.01)

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Subscriber:
    """Collects everything that is published, with the monotonic time of its arrival."""

    def __init__(
        self,
        port: int,
        topics: str = "#",
        ca: Path | None = None,
        user: str = "",
        password: str = "",
        name: str = "",
    ) -> None:
        """With a name the broker keeps what comes while it is away."""
        self.messages: list[tuple[float, MQTTMessage]] = []
        self._changed = threading.Condition()  # guards messages
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name)
        if ca is not None:
            self._client.tls_set(str(ca), cert_reqs=ssl.CERT_REQUIRED)
        if user:
            self._client.username_pw_set(user, password)
        self._client.on_message = self._take
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(topics, qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("localhost" if ca else "127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(10)

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._changed:
            self.messages.append((time.monotonic(), message))
            self._changed.notify_all()

    def send(self, topic: str, text: str, retain: bool = False) -> None:
        self._client.publish(topic, text, qos=1, retain=retain).wait_for_publish(5)

    def payloads(self, topic: str) -> list[bytes]:
        with self._changed:
            return [bytes(message.payload) for _, message in self.messages if message.topic == topic]

    def wait(self, topic: str, count: int = 1, timeout_s: float = 10.0) -> list[bytes]:
        """Wait until so many messages of a topic have come; returns their payloads."""
        with self._changed:
            enough = self._changed.wait_for(
                lambda: sum(message.topic == topic for _, message in self.messages) >= count, timeout_s
            )
            seen = [(message.topic, message.payload[:80]) for _, message in self.messages]
        assert enough, f"not {count} of {topic} within {timeout_s} s, but {seen[-30:]}"
        return self.payloads(topic)

    def wait_for(self, topic: str, payload: bytes, timeout_s: float = 10.0) -> float:
        """Wait until a payload has come; returns when it first did."""

        def find() -> float | None:
            return next(
                (at for at, m in self.messages if m.topic == topic and bytes(m.payload) == payload), None
            )

        with self._changed:
            found = self._changed.wait_for(find, timeout_s)
            seen = [(message.topic, message.payload[:80]) for _, message in self.messages]
        assert found, f"no {payload!r} under {topic}, but {seen[-30:]}"
        return found

    def events(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.payloads(f"{topic}/event")]

    def wait_for_event(self, topic: str, kind: str, timeout_s: float = 10.0) -> list[dict[str, Any]]:
        """Wait for an event of this type; returns all events so far."""

        def come() -> bool:
            return any(event["type"] == kind for event in self.events(topic))

        until(come, timeout_s, f"the event {kind}")
        return self.events(topic)
