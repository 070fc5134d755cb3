"""The resources that a pod requests, all containers together (k8s.io/component-helpers/resource). Pure.

Amounts are integers: cpu in thousandths of a core, everything else in whole units (bytes, pieces)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apimachinery import quantity
from apimachinery.objects import Object

#: Amounts by resource name.
Amounts = dict[str, int]

#: What a container without a request counts as when nodes are scored (0.1 core, 200 MB), so that pods
#: without requests spread as well.
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024


def amount(name: str, text: str | int | float) -> int:
    """One quantity as an integer: cpu in thousandths, everything else in whole units; raises ValueError."""
    parsed = quantity.parse(text)
    return parsed.milli_value() if name == "cpu" else parsed.value()


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """A resource list as integers."""
    return {name: amount(name, text) for name, text in (quantities or {}).items()}


def add(total: Amounts, more: Mapping[str, int]) -> None:
    """Add `more` to `total` in place."""
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def subtract(total: Amounts, less: Mapping[str, int]) -> None:
    """Take `less` from `total` in place; what becomes nought stays as 0."""
    for name, value in less.items():
        total[name] = total.get(name, 0) - value


def _maximum(total: Amounts, other: Mapping[str, int]) -> None:
    for name, value in other.items():
        if value > total.get(name, 0):
            total[name] = value


def pod_requests(pod: Object, *, field: str = "requests") -> Amounts:
    """What the pod needs at its worst moment: its containers together, or the largest moment of its init
    containers (those with restartPolicy Always keep running beside all that follow), and the overhead.

    `field` is "requests" or "limits"."""
    spec = pod.get("spec") or {}
    return _combine(spec, lambda container: amounts((container.get("resources") or {}).get(field)), with_overhead=True)


def nonzero_requests(pod: Object) -> tuple[int, int]:
    """(cpu in thousandths, memory in bytes) with the defaults of scoring for containers that request none."""
    spec = pod.get("spec") or {}
    total = _combine(spec, _nonzero, with_overhead=True)
    return total.get("cpu", 0), total.get("memory", 0)


def _nonzero(container: Object) -> Amounts:
    requests = (container.get("resources") or {}).get("requests") or {}
    cpu, memory = requests.get("cpu"), requests.get("memory")
    return {
        "cpu": DEFAULT_MILLI_CPU if cpu is None else amount("cpu", cpu),
        "memory": DEFAULT_MEMORY if memory is None else amount("memory", memory),
    }


def _combine(spec: Object, of_container: Any, *, with_overhead: bool) -> Amounts:
    total: Amounts = {}
    for container in spec.get("containers") or ():
        add(total, of_container(container))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = of_container(container)
        if container.get("restartPolicy") == "Always":
            add(total, own)
            add(sidecars, own)
            _maximum(peak, sidecars)
        else:
            moment = dict(sidecars)
            add(moment, own)
            _maximum(peak, moment)
    _maximum(total, peak)
    if with_overhead:
        add(total, amounts(spec.get("overhead")))
    return total


def host_ports(pod: Object) -> frozenset[tuple[str, str, int]]:
    """The (protocol, host IP, port) that the pod takes on its node; "0.0.0.0" stands for every address."""
    return frozenset(_host_ports((pod.get("spec") or {}).get("containers") or ()))


def _host_ports(containers: Iterable[Object]) -> Iterable[tuple[str, str, int]]:
    for container in containers:
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("protocol") or "TCP", port.get("hostIP") or "0.0.0.0", port["hostPort"]
