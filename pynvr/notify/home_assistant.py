"""The description of a camera for Home Assistant: one retained message, from which it makes a device."""

import json
from typing import Any

from pynvr.notify.broker import Broker
from pynvr.notify.event import EVENT_TYPES

STATUS_TOPIC = "homeassistant/status"
"""Home Assistant says `online` there when it has started, and has to be told again."""


def discovery(broker: Broker, camera: str) -> tuple[str, str]:
    """Topic and payload; the keys have their long form, as in Home Assistant's documentation."""
    topic, node = broker.topic, broker.node
    event = {
        "state_topic": f"{topic}/event",
        "event_types": list(EVENT_TYPES),
        "value_template": "{{ dict(value_json, event_type=value_json.type) | tojson }}",
    }
    armed = {
        "state_topic": f"{topic}/armed",
        "command_topic": f"{topic}/armed/set",
        "icon": "mdi:shield-home",
    }
    status = {"state_topic": f"{topic}/state", "entity_category": "diagnostic"}
    free = status | {"value_template": "{{ value_json.free_bytes }}"}
    free |= {"device_class": "data_size", "unit_of_measurement": "B"}
    platforms: dict[str, tuple[str, dict[str, Any]]] = {
        "motion": ("binary_sensor", {"device_class": "motion", "state_topic": f"{topic}/motion"}),
        "picture": ("image", {"image_topic": f"{topic}/picture", "content_type": "image/jpeg"}),
        "event": ("event", event),
        "armed": ("switch", armed),
        "record": ("button", {"command_topic": f"{topic}/record/set", "icon": "mdi:record-rec"}),
        "state": ("sensor", status | {"value_template": "{{ value_json.state }}"}),
        "free": ("sensor", free),
    }
    components = {
        key: {"platform": platform, "name": key.capitalize(), "unique_id": f"{node}_{key}", **options}
        for key, (platform, options) in platforms.items()
    }
    payload = {
        "device": {"identifiers": [node], "name": camera, "manufacturer": "pynvr"},
        "origin": {"name": "pynvr"},
        "availability_topic": f"{topic}/availability",
        "components": components,
    }
    return f"homeassistant/device/{node}/config", json.dumps(payload, ensure_ascii=False)
