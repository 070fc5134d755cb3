"""What went over the links of a network namespace, from /proc/PID/net/dev. `parse` is pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_DEFAULT = "eth0"
#: Columns of a line: received bytes and errors, sent bytes and errors.
_RX_BYTES, _RX_ERRORS, _TX_BYTES, _TX_ERRORS = 0, 2, 8, 10


def parse(text: str) -> list[dict[str, Any]]:
    """InterfaceStats of stats/v1alpha1 for every link but the loopback, in the order of their names."""
    result = []
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        columns = rest.split()
        if not colon or len(columns) <= _TX_ERRORS or name.strip() == "lo":
            continue
        result.append(
            {
                "name": name.strip(),
                "rxBytes": int(columns[_RX_BYTES]),
                "rxErrors": int(columns[_RX_ERRORS]),
                "txBytes": int(columns[_TX_BYTES]),
                "txErrors": int(columns[_TX_ERRORS]),
            }
        )
    return sorted(result, key=lambda link: str(link["name"]))


def network_stats(text: str, now: str) -> dict[str, Any] | None:
    """NetworkStats: all links, and the one named eth0 (or the first) once more by itself; None without any."""
    links = parse(text)
    if not links:
        return None
    chosen = next((link for link in links if link["name"] == _DEFAULT), links[0])
    return {"time": now, **chosen, "interfaces": links}


def read(pid: int | None) -> str:
    """The file of the namespace of that process (None: of this one); "" where the process is gone. Blocks."""
    try:
        return Path(f"/proc/{pid or 'self'}/net/dev").read_text()
    except OSError:
        return ""
