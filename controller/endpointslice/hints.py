"""For which zone each endpoint is meant, so that traffic stays in its zone where that overloads none. Pure.

KEP-2433 (topology aware routing): zones get endpoints by their part of the nodes' CPUs. Endpoints are hinted to their
own zone first; zones with more than their part give, zones with less than they must have receive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apimachinery import quantity
from apimachinery.objects import Object, annotations_of, labels_of
from controller.conditions import condition_of

ZONE = "topology.kubernetes.io/zone"
#: The first, older one decides where it is given.
_ANNOTATIONS = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")
_EXCLUDED = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
#: By how much an endpoint of one zone may have more traffic than one of another.
_OVERLOAD = 0.2

Endpoint = dict[str, Any]


class NoHints(Exception):
    """Hints cannot be given; the text says why, in the reference's words."""


@dataclass(frozen=True, slots=True)
class _Allocation:
    minimum: int
    desired: float


def wants_hints(service: Object) -> bool:
    """Whether the Service asks for topology aware routing."""
    annotations = annotations_of(service)
    mode = next((annotations[name] for name in _ANNOTATIONS if annotations.get(name)), "")
    return mode in ("auto", "Auto")


def counts_for_zones(node: Object) -> tuple[object, ...]:
    """What of a node matters here; equal values, equal hints."""
    labels = labels_of(node)
    cpu = ((node.get("status") or {}).get("allocatable") or {}).get("cpu")
    ready = (condition_of(node, "Ready") or {}).get("status")
    return labels.get(ZONE), cpu, ready == "True", any(label in labels for label in _EXCLUDED)


def zone_shares(nodes: Iterable[Object]) -> dict[str, float]:
    """Each zone's part of the CPUs of ready workers, adding up to 1; raises NoHints."""
    cpus: dict[str, float] = {}
    for node in nodes:
        zone, cpu, ready, excluded = counts_for_zones(node)
        if excluded or not ready:
            continue
        amount = quantity.parse(str(cpu)).milli_value() / 1000 if cpu else 0.0
        if not zone or not amount:
            text = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
            raise NoHints(text)
        cpus[str(zone)] = cpus.get(str(zone), 0.0) + amount
    if len(cpus) < 2:
        raise NoHints("Nodes only ready in one zone")
    total = sum(cpus.values())
    return {zone: amount / total for zone, amount in cpus.items()}


def give_hints(endpoints: Mapping[str, Endpoint], before: Mapping[str, str], shares: Mapping[str, float]) -> None:
    """Set the hints of a Service's endpoints of one kind, by their pods' uids; only ready ones get any.

    `before`: the zones they were hinted to, which they keep where that is as good. Raises NoHints."""
    ready = {uid: endpoint for uid, endpoint in sorted(endpoints.items()) if endpoint["conditions"]["ready"]}
    allocations = _allocations(len(ready), shares)
    if any(not endpoint.get("zone") for endpoint in ready.values()):
        raise NoHints("One or more endpoints do not have a zone specified")
    hinted = {uid: str(endpoint["zone"]) for uid, endpoint in ready.items()}
    _redistribute(hinted, before, allocations)
    for uid, endpoint in ready.items():
        endpoint["hints"] = {"forZones": [{"name": hinted[uid]}]}


def _allocations(number: int, shares: Mapping[str, float]) -> dict[str, _Allocation]:
    if len(shares) > number:
        raise NoHints(f"Insufficient number of endpoints ({number} endpoints, {len(shares)} zones)")
    allocations = {
        zone: _Allocation(math.ceil(share * number / (1 + _OVERLOAD) - 1e-9), share * number)
        for zone, share in shares.items()
    }
    if sum(allocation.minimum for allocation in allocations.values()) > number:
        text = "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"
        raise NoHints(f"{text} ({number} endpoints, {len(shares)} zones)")
    return allocations


def _redistribute(hinted: dict[str, str], before: Mapping[str, str], allocations: Mapping[str, _Allocation]) -> None:
    """Move endpoints from zones with too many to those with too few."""
    counts = dict.fromkeys(allocations, 0)
    for zone in hinted.values():
        counts[zone] = counts.get(zone, 0) + 1
    # A zone without ready nodes has no traffic of its own: all of its endpoints are there for others.
    gives = {zone: math.floor(count - (allocations[zone].desired if zone in allocations else 0))
             for zone, count in counts.items()}  # fmt: skip
    takes = {zone: allocation.minimum - counts[zone] for zone, allocation in allocations.items()}

    def move(uid: str, zone: str) -> None:
        gives[hinted[uid]] -= 1
        takes[zone] -= 1
        hinted[uid] = zone

    for uid, zone in hinted.items():  # those that were lent out stay so
        lent = before.get(uid, zone)
        if lent != zone and gives[zone] > 0 and takes.get(lent, 0) > 0:
            move(uid, lent)
    for zone in sorted(takes, key=lambda zone: (-takes[zone], zone)):
        for uid in [uid for uid, own in hinted.items() if own != zone]:
            if takes[zone] <= 0:
                break
            if gives.get(hinted[uid], 0) > 0:
                move(uid, zone)
