"""How healthy the zones are, and how fast their nodes may be evicted. Pure.

After "Rate limits on eviction" in https://kubernetes.io/docs/concepts/architecture/nodes/: where many nodes of a zone
are silent at once, the trouble is likelier the zone's network than the nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from apimachinery.objects import Object, labels_of
from controller.conditions import condition_of

_REGION, _ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"
#: So few unready nodes never make a zone unhealthy.
_FEW = 2


class ZoneState(Enum):
    """Of one zone, as the reference names them."""

    NORMAL = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


@dataclass(frozen=True, slots=True)
class Zone:
    """What one look at its nodes found."""

    ready: int = 0
    unready: int = 0

    @property
    def size(self) -> int:
        """All nodes of the zone."""
        return self.ready + self.unready

    def state(self, unhealthy_threshold: float) -> ZoneState:
        """`unhealthy_threshold`: the part of its nodes, 0 to 1, that makes a zone unhealthy."""
        if self.unready and not self.ready:
            return ZoneState.FULL
        if self.unready > _FEW and self.unready / self.size >= unhealthy_threshold:
            return ZoneState.PARTIAL
        return ZoneState.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictionRates:
    """The flags' values; nodes per second."""

    normal: float = 0.1
    secondary: float = 0.01
    unhealthy_threshold: float = 0.55
    large_cluster: int = 50

    def of(self, zone: Zone) -> float:
        """How many nodes of the zone may be evicted per second; 0: none. A zone that is silent as a whole, while
        others are not, is evicted at the normal rate: its work can go elsewhere."""
        if zone.state(self.unhealthy_threshold) is not ZoneState.PARTIAL:
            return self.normal
        return self.secondary if zone.size > self.large_cluster else 0.0


def zone_of(node: Object) -> str:
    """The node's region and zone as one name, "" where it has neither."""
    labels = labels_of(node)
    region, zone = labels.get(_REGION, ""), labels.get(_ZONE, "")
    return f"{region}:{zone}" if region or zone else ""


def zones_of(nodes: Iterable[Object]) -> dict[str, Zone]:
    """All zones by name."""
    counts: dict[str, list[int]] = {}
    for node in nodes:
        ready = (condition_of(node, "Ready") or {}).get("status") == "True"
        counts.setdefault(zone_of(node), [0, 0])[0 if ready else 1] += 1
    return {name: Zone(*numbers) for name, numbers in counts.items()}


def all_disrupted(zones: Iterable[Zone]) -> bool:
    """Whether no node at all is ready: then the trouble is likely on the master's side, and nothing is evicted."""
    return not any(zone.ready for zone in zones)
