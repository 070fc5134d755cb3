"""The kernel settings without which packets do not reach pods: set at start, or named in a clear error."""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path

from kubelet.network.errors import NetworkNotReady

logger = logging.getLogger(__name__)

PROC_SYS = Path("/proc/sys")
#: Key and value, in the order of setting. Bridged packets must pass iptables, or a pod that reaches another pod of
#: its node through a Service gets an answer from an address it never asked.
NODE_SETTINGS = (("net/ipv4/ip_forward", "1"), ("net/bridge/bridge-nf-call-iptables", "1"))


def prepare_node(root: Path = PROC_SYS) -> None:
    """Set what the whole node needs; raises NetworkNotReady that names the setting and the remedy. Blocks."""
    for key, value in NODE_SETTINGS:
        path = root / key
        if not path.exists() and key.startswith("net/bridge/"):
            _load_module("br_netfilter")
        set_value(key, value, root)


def prepare_bridge(bridge: str, root: Path = PROC_SYS) -> None:
    """Let the node's loopback addresses reach host ports through the bridge; raises NetworkNotReady. Blocks."""
    set_value(f"net/ipv4/conf/{bridge}/route_localnet", "1", root)


def set_value(key: str, value: str, root: Path = PROC_SYS) -> None:
    """Write one setting unless it already has that value, so that a read-only /proc/sys that is right will do."""
    path, name = root / key, key.replace("/", ".")
    try:
        if path.read_text().strip() == value:
            return
        path.write_text(value)
    except FileNotFoundError as error:
        hint = (
            "load the kernel module br_netfilter (modprobe br_netfilter)" if "bridge" in name else "the kernel lacks it"
        )
        raise NetworkNotReady(f"sysctl {name} does not exist: {hint}") from error
    except OSError as error:
        raise NetworkNotReady(
            f"sysctl {name} cannot be set to {value}: {error.strerror}; set it on the host: sysctl -w {name}={value}"
        ) from error
    logger.info("Set a kernel setting", extra={"sysctl": name, "value": value})


def _load_module(name: str) -> None:
    modprobe = shutil.which("modprobe")
    if modprobe is None:
        return
    try:
        subprocess.run([modprobe, name], check=False, capture_output=True, timeout=10)
    except subprocess.TimeoutExpired:
        logger.warning("modprobe does not end", extra={"kernel_module": name})
