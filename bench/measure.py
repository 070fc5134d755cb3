"""What a server process costs, read from /proc: CPU seconds and resident memory of it and its children."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LISTEN = "0A"


def pid_listening_on(port: int) -> int | None:
    """The process of this machine that listens on the TCP port, if we may see it."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue  # it has ended, or is not ours to see
    return None


def _family(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                continue
    return found


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a process and its descendants."""

    cpu_seconds: float
    resident_bytes: int


def usage(pid: int | None) -> Usage | None:
    """As of now; None where there is no such process or none is known."""
    if pid is None:
        return None
    seconds, resident = 0.0, 0
    for member in _family(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seconds += (int(fields[11]) + int(fields[12])) / _TICKS
        resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Usage(seconds, resident) if resident else None
