"""Tells others what happened: events go to a function, a command and MQTT, facts into files."""
