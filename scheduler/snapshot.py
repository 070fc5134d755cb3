"""The cluster as the rules see it: nodes with their pods, and tables over all of them kept up to date.

No I/O. The cache changes it between decisions; a decision only reads it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from apimachinery.labels import Selector
from apimachinery.objects import Object, name_of
from scheduler.affinityterm import AffinityTerm
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo

_MAX_COUNTERS = 512
_K = TypeVar("_K")


class Lookups(Protocol):
    """Other objects that some rules read, by name."""

    def claim(self, namespace: str, name: str) -> Object | None:
        """A PersistentVolumeClaim."""

    def volume(self, name: str) -> Object | None:
        """A PersistentVolume."""

    def volumes(self) -> Sequence[Object]:
        """All PersistentVolumes."""

    def storage_class(self, name: str) -> Object | None:
        """A StorageClass."""

    def spreading_selector(self, pod: PodInfo) -> Selector | None:
        """A label selector for the pods that belong with this one (same Services, same owner), or None."""


class PodCounter:
    """How many pods that match something are on each node, kept up to date as pods come and go."""

    __slots__ = ("by_node", "matches")

    def __init__(self, matches: Callable[[PodInfo], bool]) -> None:
        self.matches = matches
        self.by_node: Counter[str] = Counter()


#: For each term, how many pods on each node have it.
TermTable = dict[AffinityTerm, Counter[str]]


class Snapshot:
    """All nodes and assigned pods."""

    def __init__(self, lookups: Lookups | None = None) -> None:
        self.lookups = lookups
        self.nodes: dict[str, NodeInfo] = {}
        self._namespace_labels: dict[str, Mapping[str, str]] = {}
        self.namespaces_version = 0  #: grows when the labels of any namespace change
        #: Pods that displaced others and wait for their place, by node.
        self.nominated: dict[str, dict[str, PodInfo]] = {}
        self.anti_terms: TermTable = {}
        self.weighed_terms: dict[tuple[int, AffinityTerm], Counter[str]] = {}
        self.image_nodes: Counter[str] = Counter()
        self.prefer_no_schedule_nodes = 0
        self._order: list[NodeInfo] | None = None
        self._counters: OrderedDict[object, PodCounter] = OrderedDict()
        self._generation = 0

    @property
    def order(self) -> Sequence[NodeInfo]:
        """The nodes with a Node object, zones taking turns."""
        if self._order is None:
            self._order = _interleave([node for node in self.nodes.values() if node.node is not None])
        return self._order

    def labels_of_namespace(self, namespace: str) -> Mapping[str, str]:
        """The labels of a namespace; empty for one not known yet."""
        return self._namespace_labels.get(namespace, {})

    def set_namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """A namespace has these labels; None: it is gone."""
        if self._namespace_labels.get(name) == labels:
            return
        if labels is None:
            self._namespace_labels.pop(name, None)
        else:
            self._namespace_labels[name] = labels
        self.namespaces_version += 1

    def set_node(self, node: Object) -> None:
        """A Node was added or changed."""
        info = self._node(name_of(node))
        known, old_zone = info.node is not None, info.zone
        if known:
            self._count_node(info, -1)
        info.set_node(node)
        self._count_node(info, 1)
        self._touch(info)
        if not known or info.zone != old_zone:
            self._order = None

    def remove_node(self, name: str) -> None:
        """A Node is gone; pods still assigned to it stay counted until they go."""
        info = self.nodes.get(name)
        if info is None or info.node is None:
            return
        self._count_node(info, -1)
        info.node = None
        self._order = None
        if not info.pods:
            del self.nodes[name]
        else:
            self._touch(info)

    def add_pod(self, info: PodInfo) -> None:
        """A pod is (or is going to be) on its node."""
        node = self._node(info.node_name)
        node.add(info)
        self._touch(node)
        self._count_pod(info, 1)

    def remove_pod(self, info: PodInfo) -> None:
        """A pod has left its node; `info` as it was added."""
        node = self.nodes[info.node_name]
        node.remove(info)
        self._touch(node)
        self._count_pod(info, -1)
        if node.node is None and not node.pods:
            del self.nodes[node.name]

    def counter(self, identity: object, matches: Callable[[PodInfo], bool]) -> PodCounter:
        """The counter of that identity, filled on first use and then kept up to date (the least used are dropped)."""
        found = self._counters.get(identity)
        if found is not None:
            self._counters.move_to_end(identity)
            return found
        made = PodCounter(matches)
        for node in self.nodes.values():
            count = sum(1 for pod in node.pods.values() if matches(pod))
            if count:
                made.by_node[node.name] = count
        self._counters[identity] = made
        if len(self._counters) > _MAX_COUNTERS:
            self._counters.popitem(last=False)
        return made

    def _node(self, name: str) -> NodeInfo:
        info = self.nodes.get(name)
        if info is None:
            info = self.nodes[name] = NodeInfo(name)
        return info

    def _touch(self, info: NodeInfo) -> None:
        self._generation += 1
        info.generation = self._generation

    def _count_node(self, info: NodeInfo, step: int) -> None:
        for image in info.images:
            self.image_nodes[image] += step
        if any(taint.get("effect") == "PreferNoSchedule" for taint in info.taints):
            self.prefer_no_schedule_nodes += step

    def _count_pod(self, info: PodInfo, step: int) -> None:
        for counter in self._counters.values():
            if counter.matches(info):
                counter.by_node[info.node_name] += step
        for term in info.required_anti:
            _count(self.anti_terms, term, info.node_name, step)
        # A required affinity of a pod that is there already weighs 1 (hardPodAffinityWeight).
        for term in info.required:
            _count(self.weighed_terms, (1, term), info.node_name, step)
        for weight, term in info.preferred:
            _count(self.weighed_terms, (weight, term), info.node_name, step)
        for weight, term in info.avoided:
            _count(self.weighed_terms, (-weight, term), info.node_name, step)


def _count(table: dict[_K, Counter[str]], key: _K, node: str, step: int) -> None:
    counts = table.setdefault(key, Counter())
    counts[node] += step
    if counts[node] <= 0:
        del counts[node]
        if not counts:
            del table[key]


def _interleave(nodes: list[NodeInfo]) -> list[NodeInfo]:
    zones: dict[str, list[NodeInfo]] = {}
    for node in nodes:
        zones.setdefault(node.zone, []).append(node)
    if len(zones) <= 1:
        return nodes
    queues = [iter(zone) for zone in zones.values()]
    out: list[NodeInfo] = []
    while queues:
        still = []
        for queue in queues:
            following = next(queue, None)
            if following is not None:
                out.append(following)
                still.append(queue)
        queues = still
    return out
