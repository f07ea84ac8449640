"""MQTT_URL: where the broker is, who logs in, and under which topic the camera is found."""

import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from pynvr.errors import SettingsError
from pynvr.redaction import without_password
from pynvr.sources.address import fault_of

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker, and the beginning of all topics of one camera."""

    host: str
    port: int
    tls: bool
    topic: str
    """pynvr/front_door."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def node(self) -> str:
        """The topic as a name in ASCII: pynvr_front_door. Two cameras have two, in any script."""
        escaped = self.topic.encode("ascii", "backslashreplace").decode()
        return "".join(sign if sign.isalnum() else "_" for sign in escaped)

    def client(self, tls: ssl.SSLContext | None) -> Any:
        """A client of paho's for one connection; raises ImportError without the extra."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        # the same name each time: a broker that still holds a lost connection lets it go at once
        name = f"pynvr_{self.node}"
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, reconnect_on_failure=False)
        if self.user is not None:
            client.username_pw_set(self.user, self.password)
        if tls is not None:
            client.tls_set_context(tls)
        return client


def parse(url: str) -> Broker:
    """Read mqtts://user:secret@host:8883/pynvr/front_door; raises SettingsError for another form.

    In a user or password, @ and / are written as %40 and %2F.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(url, fault_of(url) or str(error)) from None
    topic = unquote(parts.path).strip("/")
    if parts.scheme not in PORTS:
        raise _wrong(url, "has to begin with mqtt:// or mqtts://")
    if not parts.hostname:
        raise _wrong(url, "names no host")
    if not topic:
        raise _wrong(url, "names no topic; the end of mqtt://host/pynvr/front_door is one")
    if set("+#\0?") & set(topic) or parts.query or parts.fragment:
        raise _wrong(url, "a topic cannot have the signs + # ?")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return Broker(parts.hostname, port or PORTS[parts.scheme], parts.scheme == "mqtts", topic, user, password)


def _wrong(url: str, why: str) -> SettingsError:
    return SettingsError(f"MQTT_URL = {without_password(url)!r}: {without_password(why)}")
