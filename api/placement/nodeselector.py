"""Which nodes a pod's nodeSelector and required node affinity, or a volume's, select. Pure.

The rules are those of k8s.io/component-helpers/scheduling/corev1/nodeaffinity: the terms of a selector are
alternatives, the requirements of a term all hold; a term without requirements selects nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apimachinery.objects import Object, labels_of, name_of


def requirement_matches(requirement: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    """Whether one NodeSelectorRequirement holds for labels (or fields)."""
    key, operator, wanted = requirement.get("key", ""), requirement.get("operator"), requirement.get("values") or ()
    present = key in values
    match operator:
        case "In":
            return present and values[key] in wanted
        case "NotIn":
            return not present or values[key] not in wanted
        case "Exists":
            return present
        case "DoesNotExist":
            return not present
        case "Gt" | "Lt":
            return present and bool(wanted) and _compares(operator, values[key], next(iter(wanted)))
        case _:
            return False


def _compares(operator: str, have: str, bound: str) -> bool:
    try:
        return int(have) > int(bound) if operator == "Gt" else int(have) < int(bound)
    except ValueError:
        return False


def term_matches(term: Mapping[str, Any], node: Object) -> bool:
    """Whether all requirements of one NodeSelectorTerm hold; an empty term selects nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return _all(expressions, labels_of(node)) and _all(fields, {"metadata.name": name_of(node)})


def _all(requirements: Iterable[Mapping[str, Any]], values: Mapping[str, str]) -> bool:
    return all(requirement_matches(requirement, values) for requirement in requirements)


def selector_matches(selector: Mapping[str, Any], node: Object) -> bool:
    """Whether any term of a NodeSelector selects the node."""
    return any(term_matches(term, node) for term in selector.get("nodeSelectorTerms") or ())


def required_node_affinity(pod_spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The pod's requiredDuringScheduling node selector, or None."""
    affinity = (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}
    found: Mapping[str, Any] | None = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return found


def pod_matches_node(pod_spec: Mapping[str, Any], node: Object) -> bool:
    """Whether the pod's nodeSelector and required node affinity both select the node."""
    node_labels = labels_of(node)
    for key, value in (pod_spec.get("nodeSelector") or {}).items():
        if node_labels.get(key) != value:
            return False
    required = required_node_affinity(pod_spec)
    return required is None or selector_matches(required, node)


def required_node_names(pod_spec: Mapping[str, Any]) -> frozenset[str] | None:
    """The only nodes that can match, where every alternative names nodes by metadata.name; else None."""
    required = required_node_affinity(pod_spec)
    terms = (required or {}).get("nodeSelectorTerms") or ()
    if not terms:
        return None
    names: set[str] = set()
    for term in terms:
        named: set[str] | None = None
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("operator") == "In":
                values = set(field.get("values") or ())
                named = values if named is None else named & values
        if named is None:
            return None
        names |= named
    return frozenset(names)
