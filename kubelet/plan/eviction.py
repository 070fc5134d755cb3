"""When the node is short of memory or disk, and which pod goes first.

Pure; the rules are those of pkg/kubelet/eviction: pods over their requests first, then by priority, then by how far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.quantity import parse
from kubelet.plan.qos import whole

#: Signals that are known, and the condition each of them sets.
SIGNALS = {
    "memory.available": "MemoryPressure",
    "nodefs.available": "DiskPressure",
    "imagefs.available": "DiskPressure",
    "nodefs.inodesFree": "DiskPressure",
    "imagefs.inodesFree": "DiskPressure",
    "pid.available": "PIDPressure",
}
_THRESHOLD = re.compile(r"^([a-zA-Z.]+)<(.+)$")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A signal and the least it may be: an amount, or a share of the capacity."""

    signal: str
    amount: int = 0
    share: float = 0.0

    def least(self, capacity: int) -> int:
        """The least value in the signal's unit."""
        return int(capacity * self.share) if self.share else self.amount


@dataclass(frozen=True, slots=True)
class Level:
    """What a signal shows now."""

    available: int
    capacity: int


def parse_thresholds(text: str) -> tuple[Threshold, ...]:
    """--eviction-hard; raises ValueError with the reference's words."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _THRESHOLD.match(part)
        if match is None:
            raise ValueError(f"invalid eviction threshold syntax {part}, expected <eviction-signal><operator><value>")
        signal, value = match[1], match[2]
        if signal not in SIGNALS:
            raise ValueError(f"unsupported eviction signal {signal}")
        if value.endswith("%"):
            found.append(Threshold(signal, share=float(value[:-1]) / 100))
        else:
            found.append(Threshold(signal, amount=parse(value).value()))
    return tuple(found)


def met(thresholds: Iterable[Threshold], levels: Mapping[str, Level]) -> list[Threshold]:
    """The thresholds that are crossed."""
    return [
        threshold
        for threshold in thresholds
        if (level := levels.get(threshold.signal)) is not None and level.available < threshold.least(level.capacity)
    ]


@dataclass(frozen=True, slots=True)
class PodUse:
    """A pod and how much of the scarce resource it uses, in bytes."""

    pod: Object
    used: int


def rank(uses: Sequence[PodUse], resource: str) -> list[PodUse]:
    """Who is evicted first, for memory or ephemeral-storage. Static and node-critical pods are left out."""
    candidates = [use for use in uses if not _critical(use.pod)]

    def order(use: PodUse) -> tuple[bool, int, int]:
        over = use.used - requested(use.pod, resource)
        return over <= 0, int(use.pod["spec"].get("priority") or 0), -over

    return sorted(candidates, key=order)


def requested(pod: Object, resource: str) -> int:
    """The sum of the containers' requests in bytes."""
    return sum(
        whole(((container.get("resources") or {}).get("requests") or {}).get(resource, 0))
        for container in pod["spec"]["containers"]
    )


def _critical(pod: Object) -> bool:
    annotations = pod["metadata"].get("annotations") or {}
    static = "kubernetes.io/config.mirror" in annotations or "kubernetes.io/config.source" in annotations
    return static or int(pod["spec"].get("priority") or 0) >= 2_000_000_000


def message(resource: str, threshold: Threshold, level: Level, use: PodUse) -> str:
    """The message of the Failed pod and of its Event."""
    least = threshold.least(level.capacity)
    low = f"The node was low on resource: {resource}. "
    text = f"{low}Threshold quantity: {least}, available: {level.available // 1024}Ki. "
    names = ", ".join(container["name"] for container in use.pod["spec"]["containers"])
    request = requested(use.pod, resource)
    used = f"Container {names} was using {use.used // 1024}Ki, request is {request}"
    return f"{text}{used}, has larger consumption of {resource}. "
