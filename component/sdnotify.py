"""Telling systemd how the service fares (sd_notify): one datagram to the socket it names.

Everything here does nothing where systemd did not start the process."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> bool:
    """Send `state` ("READY=1", "STATUS=...", "WATCHDOG=1"); whether there was someone to tell."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.setblocking(False)
        try:
            sock.sendto(state.encode(), address)
        except OSError:
            # A full or vanished socket must not end a daemon; systemd's own timeout reports it.
            return False
    return True


def watchdog_seconds() -> float:
    """How often WATCHDOG=1 is due (half of what systemd allows), 0 where it does not watch."""
    text = os.environ.get("WATCHDOG_USEC", "")
    owner = os.environ.get("WATCHDOG_PID", "")
    if not text.isdigit() or (owner and owner != str(os.getpid())):
        return 0.0
    return int(text) / 2_000_000
