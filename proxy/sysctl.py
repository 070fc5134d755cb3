"""Kernel settings of the proxy: packets to 127.0.0.1's node ports, forwarding, the size of connection tracking.

Nothing here stops the proxy: what cannot be set is said once, with the remedy. Blocks."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

PROC_SYS = Path("/proc/sys")


@dataclass(frozen=True, slots=True)
class Conntrack:
    """The --conntrack-* flags; 0 leaves a setting as it is."""

    max_per_core: int = 32768
    minimum: int = 131072
    tcp_established_seconds: int = 86400
    tcp_close_wait_seconds: int = 3600


def prepare(*, localhost_node_ports: bool, conntrack: Conntrack, root: Path = PROC_SYS) -> None:
    """Set all; logs a warning for each that is wrong and cannot be set."""
    wanted = {"net/ipv4/ip_forward": 1, "net/bridge/bridge-nf-call-iptables": 1}
    if localhost_node_ports:
        wanted["net/ipv4/conf/all/route_localnet"] = 1
    if conntrack.tcp_established_seconds:
        wanted["net/netfilter/nf_conntrack_tcp_timeout_established"] = conntrack.tcp_established_seconds
    if conntrack.tcp_close_wait_seconds:
        wanted["net/netfilter/nf_conntrack_tcp_timeout_close_wait"] = conntrack.tcp_close_wait_seconds
    for key, value in wanted.items():
        _set(root, key, value, at_least=False)
    if conntrack.max_per_core:
        cores = os.cpu_count() or 1
        wanted_entries = max(conntrack.minimum, conntrack.max_per_core * cores)
        _set(root, "net/netfilter/nf_conntrack_max", wanted_entries, at_least=True)


def _set(root: Path, key: str, value: int, *, at_least: bool) -> None:
    path, name = root / key, key.replace("/", ".")
    try:
        present = int(path.read_text().strip())
        if present == value or (at_least and present > value):
            return
        path.write_text(str(value))
    except FileNotFoundError:
        hint = "; modprobe br_netfilter" if "bridge" in name else ""
        logger.warning("A kernel setting does not exist", extra={"sysctl": name, "hint": f"wanted {value}{hint}"})
    except (OSError, ValueError) as error:
        logger.warning(
            "A kernel setting cannot be changed",
            extra={"sysctl": name, "error": str(error), "hint": f"on the host: sysctl -w {name}={value}"},
        )
    else:
        logger.info("Set a kernel setting", extra={"sysctl": name, "value": value})
