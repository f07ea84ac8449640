"""What happened leaves the machine: events to a function, a command and MQTT, facts to files."""
