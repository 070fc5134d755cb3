"""The address by which other machines reach this one."""

from __future__ import annotations

import socket

#: Nothing is sent to them: the routing table is asked for a source address. One stands for the world, the other for
#: networks without a default route that have a private range.
_TARGETS = ("192.0.2.1", "10.255.255.255")


def host_address() -> str | None:
    """That of the default route, else any of the host's name but loopback; None where there is none."""
    for target in _TARGETS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
            except OSError:
                continue
            address: str = probe.getsockname()[0]
            if not address.startswith("127."):
                return address
    try:
        entries = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return None
    return next((str(entry[4][0]) for entry in entries if not str(entry[4][0]).startswith("127.")), None)
