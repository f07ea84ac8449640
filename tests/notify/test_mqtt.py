"""MQTT with a real broker: topics, orders, TLS, and a broker that comes and goes."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import Mosquitto, Subscriber, certificate, free_port
from running import until

from pynvr.errors import SettingsError
from pynvr.notify import broker, home_assistant, mqtt
from pynvr.notify.event import EVENT_TYPES, DeliveryError, Event, Parcel, happened
from pynvr.notify.mqtt import MqttReceiver, Orders

TOPIC = "pynvr/front_door"


class Heard:
    """What was ordered."""

    def __init__(self) -> None:
        self.orders: list[object] = []

    def take(self) -> Orders:
        return Orders(
            lambda on: self.orders.append(("arm", on)),
            lambda: self.orders.append("record"),
            lambda recording: self.orders.append(("keep", recording)),
        )


@pytest.fixture
def heard() -> Heard:
    return Heard()


def receiver(
    port: int, heard: Heard, scheme: str = "mqtt", login: str = "", ca: Path | None = None
) -> MqttReceiver:
    host = "localhost" if scheme == "mqtts" else "127.0.0.1"
    made = MqttReceiver(
        broker.parse(f"{scheme}://{login}{host}:{port}/{TOPIC}"), 'Front "door"', heard.take(), ca
    )
    made.start()
    return made


def connected(made: MqttReceiver) -> MqttReceiver:
    until(lambda: made._client.is_connected(), 10, "the connection")
    return made


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Iterator[Subscriber]:
    with Subscriber(mosquitto.port) as listening:
        yield listening


def test_what_subscribers_see(
    mosquitto: Mosquitto, listener: Subscriber, heard: Heard, tmp_path: Path
) -> None:
    made = connected(receiver(mosquitto.port, heard))
    listener.wait_for(f"{TOPIC}/availability", b"online")
    listener.wait_for(f"{TOPIC}/motion", b"OFF")
    made.show_whether("motion", True)
    made.deliver(Parcel(happened("motion_started", "cam"), b"\xff\xd8first"))
    listener.wait_for(f"{TOPIC}/motion", b"ON")
    listener.wait_for(f"{TOPIC}/picture", b"\xff\xd8first")
    made.show_whether("motion", False)
    made.deliver(Parcel(happened("motion_ended", "cam")))
    (tmp_path / "best.jpg").write_bytes(b"\xff\xd8best")
    made.deliver(Parcel(Event("recording_closed", "1", "cam", "", picture=str(tmp_path / "best.jpg"))))
    listener.wait_for(f"{TOPIC}/picture", b"\xff\xd8best")
    made.show_state({"state": "watching"})
    made.show("armed", "OFF")
    listener.wait_for(f"{TOPIC}/armed", b"OFF")
    assert json.loads(listener.wait(f"{TOPIC}/state")[0]) == {"state": "watching"}
    assert [event["type"] for event in listener.events(TOPIC)] == [
        "motion_started", "motion_ended", "recording_closed"]  # fmt: skip
    with Subscriber(mosquitto.port) as late:
        late.wait_for(f"{TOPIC}/picture", b"\xff\xd8best")
        late.wait_for(f"{TOPIC}/motion", b"OFF")
        late.wait_for(f"{TOPIC}/armed", b"OFF")
        late.wait_for(f"{TOPIC}/availability", b"online")
        assert late.payloads(f"{TOPIC}/event") == []
    assert listener.payloads(f"{TOPIC}/motion") == [b"OFF", b"ON", b"OFF"]
    made.close()
    listener.wait_for(f"{TOPIC}/availability", b"offline")


def test_orders_are_heard(mosquitto: Mosquitto, listener: Subscriber, heard: Heard) -> None:
    made = connected(receiver(mosquitto.port, heard))
    listener.wait_for(f"{TOPIC}/availability", b"online")
    for name, text in (
        ("armed", "ON"),
        ("armed", "off"),
        ("armed", "perhaps"),
        ("record", ""),
        ("keep", "42"),
    ):
        listener.send(f"{TOPIC}/{name}/set", text)
    until(lambda: len(heard.orders) == 4, 10, "the orders")
    assert heard.orders == [("arm", True), ("arm", False), "record", ("keep", "42")]
    made.close()


def test_a_retained_order_is_not_obeyed_at_each_connection(
    mosquitto: Mosquitto, listener: Subscriber, heard: Heard
) -> None:
    listener.send(f"{TOPIC}/record/set", "", retain=True)
    listener.send(f"{TOPIC}/record/set", "now", retain=True)
    made = connected(receiver(mosquitto.port, heard))
    listener.wait_for(f"{TOPIC}/availability", b"online")
    listener.send(f"{TOPIC}/keep/set", "1")
    until(lambda: heard.orders, 10, "the last order")
    assert heard.orders == [("keep", "1")]
    made.close()


@pytest.mark.usefixtures("logged_errors")
def test_an_order_that_fails_ends_nothing(mosquitto: Mosquitto, listener: Subscriber) -> None:
    heard: list[str] = []

    def fail() -> None:
        raise OSError("no room")

    url = broker.parse(f"mqtt://127.0.0.1:{mosquitto.port}/{TOPIC}")
    made = MqttReceiver(url, "cam", Orders(lambda _: None, fail, heard.append), None)
    made.start()
    listener.wait_for(f"{TOPIC}/availability", b"online")
    listener.send(f"{TOPIC}/record/set", "")
    listener.send(f"{TOPIC}/keep/set", "1")
    until(lambda: heard == ["1"], 10, "the next order")
    made.close()


def test_a_crash_is_seen_by_subscribers(mosquitto: Mosquitto, listener: Subscriber, heard: Heard) -> None:
    made = connected(receiver(mosquitto.port, heard))
    listener.wait_for(f"{TOPIC}/availability", b"online")
    made._client._sock_close()
    listener.wait_for(f"{TOPIC}/availability", b"offline")


def test_a_broker_that_is_away(mosquitto: Mosquitto, heard: Heard) -> None:
    made = connected(receiver(mosquitto.port, heard))
    made.deliver(Parcel(None, b"\xff\xd8latest"))
    mosquitto.kill()
    until(lambda: not made._client.is_connected(), 10, "the loss")
    with pytest.raises(DeliveryError, match="not connected"):
        made.deliver(Parcel(happened("started", "cam")))
    made.show("motion", "ON")
    mosquitto.start()
    with Subscriber(mosquitto.port) as listener:
        listener.wait_for(f"{TOPIC}/motion", b"ON")
        listener.wait_for(f"{TOPIC}/picture", b"\xff\xd8latest")
        listener.wait(home_assistant.discovery(made._broker, "")[0])
        made.deliver(Parcel(happened("started", "cam")))
        listener.wait(f"{TOPIC}/event")
    made.close()


def test_what_a_lost_connection_held_back_is_not_sent_late(
    mosquitto: Mosquitto, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker hangs and is gone: what is true by then is what is retained, and no old alarm comes."""
    monkeypatch.setattr(mqtt, "ACKNOWLEDGED_S", 0.5)
    made = connected(receiver(mosquitto.port, heard))
    made.deliver(Parcel(happened("started", "cam")))
    mosquitto.pause()
    made.show_whether("motion", True)
    with pytest.raises(DeliveryError, match="does not answer"):
        made.deliver(Parcel(happened("motion_started", "cam")))
    mosquitto.kill()
    until(lambda: not made._client.is_connected(), 10, "the loss")
    made.show_whether("motion", False)
    with mosquitto, Subscriber(mosquitto.port) as listener:
        listener.wait_for(f"{TOPIC}/availability", b"online")
        connected(made).deliver(Parcel(happened("stopped", "cam")))
        assert [event["type"] for event in listener.wait_for_event(TOPIC, "stopped")] == ["stopped"]
        assert listener.payloads(f"{TOPIC}/motion")[-1] == b"OFF"
    made.close()


def test_a_broker_that_answers_late_has_an_event_once(
    mosquitto: Mosquitto, listener: Subscriber, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "ACKNOWLEDGED_S", 0.5)
    made = connected(receiver(mosquitto.port, heard))
    listener.wait_for(f"{TOPIC}/availability", b"online")
    mosquitto.pause()
    parcel = Parcel(happened("motion_started", "cam"))
    with pytest.raises(DeliveryError, match="does not answer"):
        made.deliver(parcel)
    mosquitto.go_on()
    made.deliver(parcel)
    made.deliver(Parcel(happened("motion_ended", "cam")))
    told = [event["type"] for event in listener.wait_for_event(TOPIC, "motion_ended")]
    assert told == ["motion_started", "motion_ended"]
    made.close()


def test_a_broker_that_takes_no_large_pictures(
    tmp_path: Path, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    with Mosquitto(tmp_path, max_bytes=20_000) as small, Subscriber(small.port) as listener:
        made = connected(receiver(small.port, heard))
        made.deliver(Parcel(None, b"\xff\xd8" + bytes(30_000)))
        until(lambda: "does the broker take pictures of 30 kB?" in caplog.text, 10, "the warning")
        connected(made).deliver(Parcel(happened("started", "cam"), b"\xff\xd8small"))
        listener.wait(f"{TOPIC}/event")
        listener.wait_for(f"{TOPIC}/picture", b"\xff\xd8small")
        made.close()


def test_one_lost_connection_costs_no_picture(mosquitto: Mosquitto, heard: Heard) -> None:
    made = receiver(mosquitto.port, heard)
    with Subscriber(mosquitto.port) as listener:  # sooner, the picture would be one that the first loss costs
        listener.wait_for(f"{TOPIC}/availability", b"online")
    made.deliver(Parcel(None, b"\xff\xd8latest"))
    for _ in range(2):
        mosquitto.kill()
        until(lambda: not made._client.is_connected(), 10, "the loss")
        mosquitto.start()
        with Subscriber(mosquitto.port) as listener:
            listener.wait_for(f"{TOPIC}/picture", b"\xff\xd8latest")
    made.close()


def test_two_recorders_of_one_topic(
    mosquitto: Mosquitto, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    one = connected(receiver(mosquitto.port, heard))
    other = receiver(mosquitto.port, heard)
    until(lambda: "does another recorder have this MQTT_URL?" in caplog.text, 10, "the warning")
    one.close()
    other.close()


def test_tls_with_a_password(tmp_path: Path, heard: Heard) -> None:
    crt, key = certificate(tmp_path)
    with Mosquitto(tmp_path, (crt, key), "s3cr@t/") as tls, \
            Subscriber(tls.port, ca=crt, user="cam", password="s3cr@t/") as listener:  # fmt: skip
        made = connected(receiver(tls.port, heard, "mqtts", "cam:s3cr%40t%2F@", crt))
        made.deliver(Parcel(happened("started", "cam")))
        listener.wait(f"{TOPIC}/event")
        made.close()


# what paho leaves to the garbage collector when a handshake fails
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("case", ["unknown certificate", "another host's", "wrong password"])
def test_a_broker_that_is_not_to_be_trusted(
    tmp_path: Path, heard: Heard, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    host = "elsewhere" if case == "another host's" else "localhost"
    crt, key = certificate(tmp_path, host)
    with Mosquitto(tmp_path, (crt, key), "right") as tls:
        ca = None if case == "unknown certificate" else crt
        made = receiver(tls.port, heard, "mqtts", "cam:wrong@", ca)
        reason = "Not authorized" if case == "wrong password" else "CERTIFICATE_VERIFY_FAILED"
        until(lambda: reason in caplog.text, 10, reason)
        with pytest.raises(DeliveryError):
            made.deliver(Parcel(happened("started", "cam")))
        made.close()
    assert "wrong" not in caplog.text


def test_no_broker_at_all(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    made = receiver(free_port(), heard)
    until(lambda: "Connection refused; trying again" in caplog.text, 10, "the complaint")
    made.close()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    for name in ("paho.mqtt.client", "paho.mqtt.enums"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingsError, match=r"pip install -r requirements-mqtt\.txt"):
        receiver(1883, heard)


def test_a_ca_file_that_is_none(tmp_path: Path, heard: Heard) -> None:
    (tmp_path / "ca").write_text("nonsense")
    for path in (tmp_path / "ca", tmp_path / "missing"):
        with pytest.raises(SettingsError, match="MQTT_CA_FILE"):
            receiver(8883, heard, "mqtts", ca=path)


# ---- the address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://host/pynvr", broker.Broker("host", 1883, False, "pynvr")),
        ("mqtts://host/pynvr/front_door/", broker.Broker("host", 8883, True, "pynvr/front_door")),
        ("mqtt://u:p%40%2F@10.0.0.1:99/a", broker.Broker("10.0.0.1", 99, False, "a", "u", "p@/")),
        ("mqtt://[::1]/a%20b", broker.Broker("::1", 1883, False, "a b")),
    ],
)
def test_the_address(url: str, expected: broker.Broker) -> None:
    assert broker.parse(url) == expected
    assert "p@" not in repr(broker.parse(url))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host/a", "begin with mqtt"),
        ("host/a", "begin with mqtt"),
        ("mqtt:///a", "no host"),
        ("mqtt://host", "no topic"),
        ("mqtt://host/", "no topic"),
        ("mqtt://host/a/+/b", "signs"),
        ("mqtt://host/a#b", "signs"),
        ("mqtt://host:99999/a", "number of a port"),
        ("mqtt://user:secret@host:port/a", "port"),
        ("mqtt://user:secret#1@host/a", "write %23"),
        ("mqtt://[::1/a", "in brackets"),
    ],
)
def test_an_address_that_is_none(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        broker.parse(url)
    assert "secret" not in str(caught.value)


# ---- Home Assistant


COMMON = {"name", "unique_id", "icon", "entity_category", "enabled_by_default", "availability_topic"}
PLATFORMS: dict[str, tuple[set[str], set[str]]] = {
    "binary_sensor": ({"state_topic"}, {"device_class", "value_template", "payload_on", "payload_off"}),
    "image": ({"image_topic"}, {"content_type", "image_encoding"}),
    "event": ({"state_topic", "event_types"}, {"device_class", "value_template"}),
    "switch": ({"command_topic"}, {"state_topic", "payload_on", "payload_off", "device_class"}),
    "button": ({"command_topic"}, {"payload_press", "device_class"}),
    "sensor": ({"state_topic"}, {"value_template", "device_class", "unit_of_measurement", "state_class"}),
}
"""Home Assistant's published schema of MQTT discovery: what a platform requires, and what it may have."""


def test_no_two_cameras_have_one_name() -> None:
    topics = ["pynvr/front_door", "pynvr/d\u00fcr", "pynvr/d\u00f6r", "pynvr/\u95e8", "pynvr/\u7a97"]
    nodes = {broker.parse(f"mqtt://host/{topic}").node for topic in topics}
    assert len(nodes) == len(topics)
    assert all(re.fullmatch(r"\w+", node, re.ASCII) for node in nodes)


def test_discovery_is_as_home_assistant_wants_it() -> None:
    url = broker.parse("mqtt://host/pynvr/front_door")
    topic, payload = home_assistant.discovery(url, "Haust\u00fcr")
    told = json.loads(payload)
    assert topic == "homeassistant/device/pynvr_front_door/config"
    assert set(told) == {"device", "origin", "availability_topic", "components"}
    assert told["device"]["identifiers"]
    assert told["origin"]["name"]
    assert len({part["unique_id"] for part in told["components"].values()}) == len(told["components"])
    for part in told["components"].values():
        required, optional = PLATFORMS[part.pop("platform")]
        assert required <= set(part) <= required | optional | COMMON
        topics = [value for key, value in part.items() if key.endswith("_topic")]
        assert all(name.startswith("pynvr/front_door/") for name in topics)
    assert told["components"]["event"]["event_types"] == list(EVENT_TYPES)


def test_home_assistant_is_told_again_when_it_starts(
    mosquitto: Mosquitto, listener: Subscriber, heard: Heard
) -> None:
    made = connected(receiver(mosquitto.port, heard))
    topic = home_assistant.discovery(made._broker, "")[0]
    listener.wait(topic)
    listener.wait_for(f"{TOPIC}/availability", b"online")
    listener.send(home_assistant.STATUS_TOPIC, "offline")
    listener.send(home_assistant.STATUS_TOPIC, "online")
    first, again = listener.wait(topic, 2)
    assert first == again
    with Subscriber(mosquitto.port) as late:
        assert late.wait(topic)[0] == first  # retained
    made.close()
