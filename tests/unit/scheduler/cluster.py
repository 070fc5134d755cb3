"""Nodes and pods for the scheduler's tests, written as short as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from apimachinery import labels
from apimachinery.labels import Selector
from apimachinery.objects import Object
from scheduler.decide import Evaluations, Placed, Unschedulable, decide
from scheduler.podinfo import PodInfo
from scheduler.profile import DEFAULT
from scheduler.snapshot import Snapshot


def node(name: str, *, cpu: str = "4", memory: str = "8Gi", pods: str = "110", zone: str = "", **spec: Any) -> Object:
    """A node; `labels`, `allocatable` and `images` among the keywords are more of those, the rest is its spec."""
    own = {"kubernetes.io/hostname": name, **spec.pop("labels", {})}
    if zone:
        own["topology.kubernetes.io/zone"] = zone
    room = {"cpu": cpu, "memory": memory, "pods": pods, **spec.pop("allocatable", {})}
    return {
        "metadata": {"name": name, "labels": own},
        "spec": spec,
        "status": {"allocatable": room, "images": spec.pop("images", [])},
    }


def pod(name: str, *, cpu: str = "", on: str = "", labels: dict[str, str] | None = None, **spec: Any) -> PodInfo:
    """A pod; keywords are its spec."""
    container: Object = {"name": "c", "image": "image"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    made: Object = {
        "metadata": {"name": name, "namespace": spec.pop("namespace", "default"), "uid": name, "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }
    if on:
        made["spec"]["nodeName"] = on
    return PodInfo(made)


class FakeLookups:
    """Claims, volumes and classes given by hand."""

    def __init__(self, *objects: Object, spread_by: dict[str, str] | None = None) -> None:
        self._objects = {(item["kind"], item["metadata"]["name"]): item for item in objects}
        self._spread_by = spread_by

    def claim(self, namespace: str, name: str) -> Object | None:
        """A PersistentVolumeClaim."""
        return self._objects.get(("PersistentVolumeClaim", name))

    def volume(self, name: str) -> Object | None:
        """A PersistentVolume."""
        return self._objects.get(("PersistentVolume", name))

    def volumes(self) -> Sequence[Object]:
        """All PersistentVolumes."""
        return [item for (kind, _), item in self._objects.items() if kind == "PersistentVolume"]

    def storage_class(self, name: str) -> Object | None:
        """A StorageClass."""
        return self._objects.get(("StorageClass", name))

    def spreading_selector(self, pod: PodInfo) -> Selector | None:
        """The same for every pod."""
        return labels.from_map(self._spread_by) if self._spread_by else None


def cluster(*nodes: Object, pods: Sequence[PodInfo] = (), lookups: FakeLookups | None = None) -> Snapshot:
    """A snapshot of these nodes and of pods that have their node."""
    snapshot = Snapshot(lookups)
    for item in nodes:
        snapshot.set_node(item)
    for info in pods:
        snapshot.add_pod(info)
    return snapshot


def place(info: PodInfo, snapshot: Snapshot, *, start: int = 0) -> Placed | Unschedulable:
    """A decision by the default profile, nothing remembered."""
    return decide(info, snapshot, DEFAULT, start=start, rng=Random(1), evaluations=Evaluations())


def chosen(info: PodInfo, snapshot: Snapshot) -> str:
    """The node that is chosen; fails where none is."""
    outcome = place(info, snapshot)
    assert isinstance(outcome, Placed), outcome
    return outcome.node


def possible(info: PodInfo, snapshot: Snapshot) -> set[str]:
    """The nodes that no rule refuses."""
    from scheduler.decide import prepare

    checks = prepare(info, snapshot, DEFAULT)
    if isinstance(checks, Unschedulable):
        return set()
    return {item.name for item in checks.nodes if checks.first_reject(item) is None}


def reasons(info: PodInfo, snapshot: Snapshot) -> set[str]:
    """All reasons of a refusal; fails where the pod gets a node."""
    outcome = place(info, snapshot)
    assert isinstance(outcome, Unschedulable), outcome
    if outcome.cluster is not None:
        return set(outcome.cluster[1].reasons)
    return {reason for _, reject in outcome.rejects.values() for reason in reject.reasons}
