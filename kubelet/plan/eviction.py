"""When the node is short of memory or disk, and which pod goes first; which pods use more disk than they may.

Pure; the rules and texts are those of pkg/kubelet/eviction: pods over their requests first, then by priority, then by
how far. Static and node-critical pods are left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apimachinery.objects import Object
from apimachinery.quantity import BINARY_SI, Quantity, parse
from kubelet.plan.qos import whole
from kubelet.plan.static_pods import is_mirror, is_static

#: Signals that are known, and the condition each of them sets.
SIGNALS = {
    "memory.available": "MemoryPressure",
    "nodefs.available": "DiskPressure",
    "imagefs.available": "DiskPressure",
    "nodefs.inodesFree": "DiskPressure",
    "imagefs.inodesFree": "DiskPressure",
    "pid.available": "PIDPressure",
}
#: What a pod is said to use too much of.
_RESOURCES = {"MemoryPressure": "memory", "DiskPressure": "ephemeral-storage", "PIDPressure": "pids"}
_THRESHOLD = re.compile(r"^([a-zA-Z.]+)<(.+)$")
_NANO = 10**9


@dataclass(frozen=True, slots=True)
class Threshold:
    """A signal and the least it may be: an amount, or a share of the capacity. One with a grace is soft: it counts when
    it was crossed for so long."""

    signal: str
    amount: int = 0
    share: float = 0.0
    grace_seconds: float = 0.0

    def least(self, capacity: int) -> int:
        """The least value in the signal's unit."""
        return int(capacity * self.share) if self.share else self.amount

    @property
    def resource(self) -> str:
        """What is scarce: memory, ephemeral-storage or pids."""
        return _RESOURCES[SIGNALS[self.signal]]


@dataclass(frozen=True, slots=True)
class Level:
    """What a signal shows now."""

    available: int
    capacity: int


def parse_thresholds(text: str, graces: Mapping[str, float] | None = None) -> tuple[Threshold, ...]:
    """--eviction-hard, or with `graces` (seconds by signal) --eviction-soft; raises ValueError with the reference's
    words."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _THRESHOLD.match(part)
        if match is None:
            raise ValueError(f"invalid eviction threshold syntax {part}, expected <eviction-signal><operator><value>")
        signal, value = match[1], match[2]
        if signal not in SIGNALS:
            raise ValueError(f"unsupported eviction signal {signal}")
        if value.endswith("%"):
            threshold = Threshold(signal, share=float(value[:-1]) / 100)
        else:
            threshold = Threshold(signal, amount=parse(value).value())
        if graces is not None:
            if signal not in graces:
                raise ValueError(f"grace period must be specified for the soft eviction threshold {signal}")
            threshold = replace(threshold, grace_seconds=graces[signal])
        found.append(threshold)
    return tuple(found)


def met(thresholds: Iterable[Threshold], levels: Mapping[str, Level]) -> list[Threshold]:
    """The thresholds that are crossed, memory first: it cannot wait."""
    crossed = [
        threshold
        for threshold in thresholds
        if (level := levels.get(threshold.signal)) is not None and level.available < threshold.least(level.capacity)
    ]
    return sorted(crossed, key=lambda threshold: threshold.resource != "memory")


@dataclass(frozen=True, slots=True)
class PodUse:
    """A pod and how much of the scarce resource it uses, in bytes; `containers` says which part is whose."""

    pod: Object
    used: int
    containers: Mapping[str, int] = field(default_factory=dict)


def rank(uses: Sequence[PodUse], resource: str) -> list[PodUse]:
    """Who is evicted first, for memory or ephemeral-storage; for pids the priority alone decides."""
    candidates = [use for use in uses if not is_critical(use.pod)]

    def order(use: PodUse) -> tuple[bool, int, int]:
        over = use.used - requested(use.pod, resource)
        return over <= 0, int(use.pod["spec"].get("priority") or 0), -over

    return sorted(candidates, key=order)


def requested(pod: Object, resource: str) -> int:
    """The sum of the containers' requests in bytes."""
    return sum(_amount(container, "requests", resource) for container in pod["spec"]["containers"])


def is_critical(pod: Object) -> bool:
    """Whether the node needs the pod: it is neither evicted nor turned away."""
    return is_static(pod) or is_mirror(pod) or int(pod["spec"].get("priority") or 0) >= 2_000_000_000


def message(threshold: Threshold, level: Level, use: PodUse) -> str:
    """The message of the Failed pod and of its Event."""
    resource = threshold.resource
    text = f"The node was low on resource: {resource}. "
    text += f"Threshold quantity: {_bytes(threshold.least(level.capacity))}, available: {_bytes(level.available)}. "
    for container in use.pod["spec"]["containers"]:
        name = container["name"]
        request, used = _amount(container, "requests", resource), use.containers.get(name, 0)
        if used > request:
            text += (
                f"Container {name} was using {_bytes(used)}, request is {_bytes(request)}, "
                f"has larger consumption of {resource}. "
            )
    return text


@dataclass(frozen=True, slots=True)
class DiskUse:
    """A pod's bytes on the node's disks: each container's own files and logs, each emptyDir that is not memory."""

    containers: Mapping[str, int] = field(default_factory=dict)
    empty_dirs: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Everything together."""
        return sum(self.containers.values()) + sum(self.empty_dirs.values())


def has_disk_limit(pod: Object) -> bool:
    """Whether the pod may use only so much disk, so that it has to be measured."""
    spec = pod["spec"]
    return any(_size_limit(volume) for volume in spec.get("volumes") or ()) or any(
        _amount(container, "limits", "ephemeral-storage") for container in spec["containers"]
    )


def disk_limit_exceeded(pod: Object, use: DiskUse) -> str | None:
    """Which limit of its own the pod is over, as the message of its eviction; None: none."""
    for volume in pod["spec"].get("volumes") or ():
        limit = _size_limit(volume)
        if limit and use.empty_dirs.get(volume["name"], 0) > limit:
            size = volume["emptyDir"]["sizeLimit"]
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{size}". '
    containers: list[Mapping[str, Any]] = pod["spec"]["containers"]
    limits = [_amount(container, "limits", "ephemeral-storage") for container in containers]
    if all(limits) and use.total > sum(limits):
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {_bytes(sum(limits))}. "
    for container, limit in zip(containers, limits, strict=True):
        if limit and use.containers.get(container["name"], 0) > limit:
            shown = container["resources"]["limits"]["ephemeral-storage"]
            return f'Container {container["name"]} exceeded its local ephemeral storage limit "{shown}". '
    return None


def _size_limit(volume: Mapping[str, Any]) -> int:
    source = volume.get("emptyDir") or {}
    return 0 if source.get("medium") == "Memory" else whole(source.get("sizeLimit") or 0)


def _amount(container: Mapping[str, Any], kind: str, resource: str) -> int:
    return whole(((container.get("resources") or {}).get(kind) or {}).get(resource, 0))


def _bytes(amount: int) -> str:
    return str(Quantity(amount * _NANO, BINARY_SI))
