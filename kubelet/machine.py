"""Facts of this machine: processors, memory, disk, names, addresses; read from /proc, /sys, /etc and the kernel."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from kubelet.plan.node import Machine

_CAP_SYS_RESOURCE = 24


def read_machine(hostname: str, root_dir: Path) -> Machine:
    """The facts; blocks briefly."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return Machine(
        cpus=os.cpu_count() or 1,
        memory_bytes=memory_info().get("MemTotal", 0),
        disk_bytes=shutil.disk_usage(root_dir).total,
        hostname=hostname,
        machine_id=_first("/etc/machine-id", "/var/lib/dbus/machine-id"),
        system_uuid=_first("/sys/class/dmi/id/product_uuid", "/etc/machine-id").lower(),
        boot_id=_first("/proc/sys/kernel/random/boot_id"),
        kernel_version=platform.release(),
        os_image=_os_image(),
        architecture=arch,
    )


def memory_info() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    result = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words:
            result[name] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
    return result


def swap_is_on() -> bool:
    """Whether any swap is in use."""
    return len(Path("/proc/swaps").read_text().splitlines()) > 1


def oom_floor() -> int:
    """The lowest oom_score_adj that containers may be given: without CAP_SYS_RESOURCE not below the daemon's own."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:") and int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1:
            return -1000
    return max(0, int(Path("/proc/self/oom_score_adj").read_text()))


def _first(*paths: str) -> str:
    for path in paths:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text:
            return text
    return ""


def _os_image() -> str:
    for line in _first("/etc/os-release", "/usr/lib/os-release").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip('"')
    return "Linux"
