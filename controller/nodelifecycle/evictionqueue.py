"""Whose turn it is to be tainted NoExecute: unready nodes wait per zone, and leave at the zone's rate. No I/O; time is
passed in, in monotonic seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Waiting:
    """One zone: its nodes in the order they came, and a bucket of one token."""

    rate: float | None = None  #: None: not known yet
    free_at: float = 0.0  #: when the token is there (again)
    nodes: dict[str, None] = field(default_factory=dict)


class EvictionQueue:
    """Nodes by zone."""

    def __init__(self) -> None:
        self._zones: dict[str, _Waiting] = {}

    def set_rates(self, rates: Mapping[str, float], now: float) -> None:
        """Nodes per second by zone from now on; 0: none. A token that was being waited for comes at the new rate."""
        for name, rate in rates.items():
            zone = self._zones.setdefault(name, _Waiting())
            if rate != zone.rate:
                waiting = zone.rate == 0 or zone.free_at > now
                zone.free_at = now + 1 / rate if waiting and rate else min(zone.free_at, now)
                zone.rate = rate
        for name in [name for name, zone in self._zones.items() if name not in rates and not zone.nodes]:
            del self._zones[name]

    def add(self, node: str, zone: str) -> None:
        """The node waits for its turn, unless it does already."""
        if node not in self._zones.setdefault(zone, _Waiting()).nodes:
            self.discard(node)  # it may have waited in another zone
            self._zones[zone].nodes[node] = None

    def discard(self, node: str) -> None:
        """The node is ready again, or gone."""
        for zone in self._zones.values():
            zone.nodes.pop(node, None)

    def take(self, now: float) -> list[str]:
        """The nodes whose turn it is; they wait no more."""
        taken = []
        for zone in self._zones.values():
            if zone.nodes and zone.rate and zone.free_at <= now:
                taken.append(node := next(iter(zone.nodes)))
                del zone.nodes[node]
                zone.free_at = now + 1 / zone.rate
        return taken

    def next_at(self) -> float | None:
        """When `take` will give a node, as far as is known; None: nothing waits that may go."""
        return min((zone.free_at for zone in self._zones.values() if zone.nodes and zone.rate), default=None)
