"""InterPodAffinity: which pods a pod must, must not, or would rather (not) share a node, zone, ... with. Pure.

Counts come from tables that the snapshot keeps up to date, so a pod costs as much as there are different terms in the
cluster, not as there are pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from scheduler.affinityterm import AffinityTerm
from scheduler.framework import MAX_SCORE, NodeCheck, Reject
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_AFFINITY = Reject(("node(s) didn't match pod affinity rules",), resolvable=False)
_ANTI_AFFINITY = Reject(("node(s) didn't match pod anti-affinity rules",))
_EXISTING = Reject(("node(s) didn't satisfy existing pods anti-affinity rules",))

#: Topology values by node label.
_Domains = dict[str, set[str]]


class InterPodAffinity:
    """Filter by required terms, of the pod and of the pods that are there; score by preferred ones."""

    name: ClassVar[str] = "InterPodAffinity"
    local: ClassVar[bool] = False
    weight: ClassVar[int] = 2

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check, where the pod or any pod in the cluster has required terms that matter."""
        forbidden = _forbidden_by_others(pod, snapshot)
        apart = [
            (term.topology_key, _domains(snapshot, term, _term_counts(snapshot, term))) for term in pod.required_anti
        ]
        together = _required_domains(pod, snapshot)
        if not forbidden and not apart and not pod.required:
            return None

        def check(node: NodeInfo) -> Reject | None:
            labels = node.labels
            if together is not None and not all(labels.get(key) in values for key, values in together):
                return _AFFINITY
            if pod.required and together is None and any(term.topology_key not in labels for term in pod.required):
                return _AFFINITY
            if any(labels.get(key) in values for key, values in apart):
                return _ANTI_AFFINITY
            if any(labels.get(key) in values for key, values in forbidden.items()):
                return _EXISTING
            return None

        return check

    def score(self, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """The weights of the preferred terms, of the pod and of those there, stretched to 0..100."""
        weights = _topology_weights(pod, snapshot)
        if not weights:
            return None
        raw = [sum(values.get(node.labels.get(key, ""), 0) for key, values in weights.items()) for node in nodes]
        top, low = max(raw), min(raw)
        if top == low:
            return None
        return [MAX_SCORE * (score - low) // (top - low) for score in raw]


def _term_counts(snapshot: Snapshot, term: AffinityTerm) -> Mapping[str, int]:
    """How many pods that the term means are on each node."""

    def matches(other: PodInfo) -> bool:
        return term.matches(other.namespace, other.labels, snapshot.labels_of_namespace(other.namespace))

    identity = ("term", term, snapshot.namespaces_version if not term.namespace_selector.nothing else 0)
    return snapshot.counter(identity, matches).by_node


def _domains(snapshot: Snapshot, term: AffinityTerm, by_node: Mapping[str, int]) -> set[str]:
    return set(_values(snapshot, term.topology_key, (name for name, count in by_node.items() if count > 0)))


def _values(snapshot: Snapshot, key: str, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        node = snapshot.nodes.get(name)
        value = node.labels.get(key) if node is not None else None
        if value is not None:
            yield value


def _forbidden_by_others(pod: PodInfo, snapshot: Snapshot) -> _Domains:
    """The domains that pods there, by their required anti-affinity, keep for themselves."""
    out: _Domains = {}
    namespace_labels = snapshot.labels_of_namespace(pod.namespace)
    for term, by_node in snapshot.anti_terms.items():
        if term.matches(pod.namespace, pod.labels, namespace_labels):
            out.setdefault(term.topology_key, set()).update(_values(snapshot, term.topology_key, by_node))
    return out


def _required_domains(pod: PodInfo, snapshot: Snapshot) -> list[tuple[str, set[str]]] | None:
    """Per required term, the domains with pods that match all required terms; None where no pod in the cluster does
    but the pod itself would: the first of a group may go anywhere that has the labels."""
    if not pod.required:
        return None
    counts = [_term_counts(snapshot, term) for term in pod.required]
    if len(counts) > 1:
        counts = [_all_terms_counts(pod, snapshot)] * len(counts)
    found = [
        (term.topology_key, _domains(snapshot, term, by_node))
        for term, by_node in zip(pod.required, counts, strict=True)
    ]
    if not any(values for _, values in found):
        namespace_labels = snapshot.labels_of_namespace(pod.namespace)
        if all(term.matches(pod.namespace, pod.labels, namespace_labels) for term in pod.required):
            return None
    return found


def _all_terms_counts(pod: PodInfo, snapshot: Snapshot) -> Mapping[str, int]:
    terms = pod.required

    def matches(other: PodInfo) -> bool:
        namespace_labels = snapshot.labels_of_namespace(other.namespace)
        return all(term.matches(other.namespace, other.labels, namespace_labels) for term in terms)

    return snapshot.counter(("terms", terms, snapshot.namespaces_version), matches).by_node


def _topology_weights(pod: PodInfo, snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """The weight of each domain: by the pod's own preferred terms, and by those of pods there that mean this pod."""
    out: dict[str, dict[str, int]] = {}

    def weigh(key: str, by_node: Mapping[str, int], weight: int) -> None:
        table = out.setdefault(key, {})
        for name, count in by_node.items():
            node = snapshot.nodes.get(name)
            value = node.labels.get(key) if node is not None else None
            if value is not None:
                table[value] = table.get(value, 0) + weight * count

    for weight, term in pod.preferred:
        weigh(term.topology_key, _term_counts(snapshot, term), weight)
    for weight, term in pod.avoided:
        weigh(term.topology_key, _term_counts(snapshot, term), -weight)
    namespace_labels = snapshot.labels_of_namespace(pod.namespace)
    for (weight, term), by_node in snapshot.weighed_terms.items():
        if term.matches(pod.namespace, pod.labels, namespace_labels):
            weigh(term.topology_key, by_node, weight)
    return {key: values for key, values in out.items() if values}
