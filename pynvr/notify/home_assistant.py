"""The description of a camera for Home Assistant: one retained message, from which it makes a device."""

from __future__ import annotations

import json

from pynvr.notify.broker import Broker
from pynvr.notify.event import EVENT_TYPES

STATUS_TOPIC = "homeassistant/status"
"""Home Assistant says `online` there when it has started, and has to be told again."""


def discovery(broker: Broker, camera: str) -> tuple[str, str]:
    """Topic and payload; the long form of its keys, as its documentation has them."""
    topic, node = broker.topic, broker.node

    def component(name: str, platform: str, key: str, **options: object) -> dict[str, object]:
        return {"platform": platform, "name": name, "unique_id": f"{node}_{key}", **options}

    state = f"{topic}/state"
    components = {
        "motion": component(
            "Motion", "binary_sensor", "motion", device_class="motion", state_topic=f"{topic}/motion"
        ),
        "picture": component(
            "Picture", "image", "picture", image_topic=f"{topic}/picture", content_type="image/jpeg"
        ),
        "event": component(
            "Event",
            "event",
            "event",
            state_topic=f"{topic}/event",
            event_types=list(EVENT_TYPES),
            value_template="{{ dict(value_json, event_type=value_json.type) | tojson }}",
        ),
        "armed": component(
            "Armed",
            "switch",
            "armed",
            state_topic=f"{topic}/armed",
            command_topic=f"{topic}/armed/set",
            icon="mdi:shield-home",
        ),
        "record": component(
            "Record",
            "button",
            "record",
            command_topic=f"{topic}/record/set",
            icon="mdi:record-rec",
        ),
        "state": component(
            "State",
            "sensor",
            "state",
            state_topic=state,
            value_template="{{ value_json.state }}",
            entity_category="diagnostic",
        ),
        "free": component(
            "Free",
            "sensor",
            "free",
            state_topic=state,
            value_template="{{ value_json.free_bytes }}",
            device_class="data_size",
            unit_of_measurement="B",
            entity_category="diagnostic",
        ),
    }
    payload = {
        "device": {"identifiers": [node], "name": camera, "manufacturer": "pynvr"},
        "origin": {"name": "pynvr"},
        "availability_topic": f"{topic}/availability",
        "components": components,
    }
    return f"homeassistant/device/{node}/config", json.dumps(payload, ensure_ascii=False)
