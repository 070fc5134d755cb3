"""Pods on nodes as the API server says, and those that were just given a node and are not confirmed yet. No I/O.

An assumed pod counts on its node at once, so that the next decision sees it while its binding is still on its way."""

from __future__ import annotations

from apimachinery.objects import Object, key_of, name_of
from scheduler.podinfo import PodInfo, on_node
from scheduler.snapshot import Snapshot


class Cache:
    """Feeds a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._pods: dict[str, PodInfo] = {}
        self._assumed: set[str] = set()

    def assume(self, info: PodInfo, node: str) -> None:
        """Count the pod on the node it is about to be bound to."""
        placed = on_node(info, node)
        self._replace(placed)
        self._assumed.add(placed.key)

    def forget(self, key: str, uid: str) -> None:
        """The binding failed: the pod is not on that node after all."""
        known = self._pods.get(key)
        if key in self._assumed and known is not None and known.uid == uid:
            self._drop(key)

    def is_assumed(self, key: str, uid: str) -> bool:
        """Whether the pod's binding is on its way."""
        return key in self._assumed and self._pods[key].uid == uid

    def confirm(self, pod: Object) -> bool:
        """The API server shows the pod on a node; returns whether anything that rules look at is new."""
        key = key_of(pod)
        known = self._pods.get(key)
        self._assumed.discard(key)
        if known is not None and _same(known, pod):
            return False
        self._replace(PodInfo(pod))
        return True

    def remove(self, key: str, uid: str = "") -> bool:
        """The pod is gone or has ended; returns whether it counted."""
        known = self._pods.get(key)
        if known is None or (uid and known.uid != uid):
            return False
        self._drop(key)
        return True

    def set_node(self, node: Object) -> None:
        """A node was added or changed."""
        self.snapshot.set_node(node)

    def remove_node(self, node: Object) -> None:
        """A node is gone."""
        self.snapshot.remove_node(name_of(node))

    def _replace(self, info: PodInfo) -> None:
        if info.key in self._pods:
            self._drop(info.key)
        self._pods[info.key] = info
        self.snapshot.add_pod(info)

    def _drop(self, key: str) -> None:
        self._assumed.discard(key)
        self.snapshot.remove_pod(self._pods.pop(key))


def _same(known: PodInfo, pod: Object) -> bool:
    """Whether nothing changed but status and annotations: then everything computed of the pod still holds."""
    spec, metadata = pod.get("spec") or {}, pod.get("metadata") or {}
    if known.uid != metadata.get("uid") or known.node_name != (spec.get("nodeName") or ""):
        return False
    if known.labels != (metadata.get("labels") or {}):
        return False
    was = (known.pod.get("metadata") or {}).get("deletionTimestamp")
    if bool(was) != bool(metadata.get("deletionTimestamp")):
        return False
    old = known.spec
    return bool(
        old.get("containers") == spec.get("containers")
        and old.get("initContainers") == spec.get("initContainers")
        and old.get("affinity") == spec.get("affinity")
    )
