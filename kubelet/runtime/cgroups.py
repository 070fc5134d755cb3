"""What a process's cgroup uses, read from the kernel: cheaper than Docker's statistics, and there where those are not.

Works for cgroup v1, v2 and the mixed layout. Blocks briefly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kubelet.runtime.interface import ContainerStats

ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class CgroupPaths:
    """Where the controllers of a process lie below the cgroup root; "" where there is none."""

    cpu: str = ""
    memory: str = ""
    unified: str = ""


def parse_proc_cgroup(text: str) -> CgroupPaths:
    """/proc/PID/cgroup. Pure."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return CgroupPaths(found.get("cpuacct", ""), found.get("memory", ""), found.get("", ""))


def read_stats(pid: int, root: Path = ROOT) -> ContainerStats | None:
    """The use of the cgroup that the process is in; None when the process is gone."""
    try:
        paths = parse_proc_cgroup(Path(f"/proc/{pid}/cgroup").read_text())
        cpu = _cpu_nanoseconds(root, paths)
        usage, working_set = _memory(root, paths)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return ContainerStats(cpu, usage, working_set, datetime.now(UTC))


def _cpu_nanoseconds(root: Path, paths: CgroupPaths) -> int:
    if paths.cpu:
        return int((root / "cpuacct" / paths.cpu.lstrip("/") / "cpuacct.usage").read_text())
    fields = _fields(root / paths.unified.lstrip("/") / "cpu.stat")
    return fields.get("usage_usec", 0) * 1000


def _memory(root: Path, paths: CgroupPaths) -> tuple[int, int]:
    if paths.memory:
        directory = root / "memory" / paths.memory.lstrip("/")
        usage = int((directory / "memory.usage_in_bytes").read_text())
        inactive = _fields(directory / "memory.stat").get("total_inactive_file", 0)
    else:
        directory = root / paths.unified.lstrip("/")
        usage = int((directory / "memory.current").read_text())
        inactive = _fields(directory / "memory.stat").get("inactive_file", 0)
    return usage, max(0, usage - inactive)


def _fields(path: Path) -> dict[str, int]:
    result = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(" ")
        result[name] = int(value)
    return result
