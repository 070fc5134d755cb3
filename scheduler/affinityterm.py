"""One term of a pod's inter-pod affinity or anti-affinity, parsed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apimachinery import labels
from apimachinery.labels import Selector
from apimachinery.objects import Object


class AffinityTerm:
    """Which pods are meant (namespaces and labels), and the node label that says what "together" is.

    Terms that say the same are equal, so that pods of one template share one entry in every table."""

    __slots__ = ("_identity", "namespace_selector", "namespaces", "selector", "topology_key")

    def __init__(
        self, topology_key: str, selector: Selector, namespaces: frozenset[str], namespace_selector: Selector
    ) -> None:
        self.topology_key = topology_key
        self.selector = selector
        self.namespaces = namespaces
        self.namespace_selector = namespace_selector
        self._identity = (topology_key, selector, namespaces, namespace_selector)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AffinityTerm) and self._identity == other._identity

    def matches(self, namespace: str, pod_labels: Mapping[str, str], namespace_labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels, in a namespace with those, is meant."""
        if namespace not in self.namespaces and not self.namespace_selector.matches(namespace_labels):
            return False
        return self.selector.matches(pod_labels)


def parse_term(term: Mapping[str, Any], pod_namespace: str) -> AffinityTerm:
    """A PodAffinityTerm; without namespaces and namespaceSelector it means the pod's own namespace."""
    namespaces = term.get("namespaces") or ()
    namespace_selector = term.get("namespaceSelector")
    if not namespaces and namespace_selector is None:
        namespaces = (pod_namespace,)
    return AffinityTerm(
        term.get("topologyKey", ""),
        labels.from_label_selector(term.get("labelSelector")),
        frozenset(namespaces),
        labels.from_label_selector(namespace_selector) if namespace_selector is not None else labels.NOTHING,
    )


def required_terms(affinity: Mapping[str, Any] | None, namespace: str) -> tuple[AffinityTerm, ...]:
    """The terms that must hold for the pod to be scheduled."""
    return tuple(
        parse_term(term, namespace)
        for term in (affinity or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    )


def preferred_terms(affinity: Mapping[str, Any] | None, namespace: str) -> tuple[tuple[int, AffinityTerm], ...]:
    """The (weight, term) that are weighed."""
    preferred: Iterable[Object] = (affinity or {}).get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return tuple((item.get("weight", 0), parse_term(item["podAffinityTerm"], namespace)) for item in preferred)
