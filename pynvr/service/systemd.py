"""Messages to systemd; without systemd nothing happens. Protocol: man sd_notify."""

import os
import socket


def notify(*states: str) -> None:
    """Send states, for example READY=1, to the service manager."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto("\n".join(states).encode(), address)
    except OSError:
        return  # a service manager that does not listen must not stop the recorder
