"""PodTopologySpread: pods of one kind spread evenly over hosts, zones or whatever a node label divides. Pure.

Constraints with DoNotSchedule filter, those with ScheduleAnyway score. A pod that states none gets the cluster's
default for scoring: over hosts and zones, counted among the pods of the same Services and the same owner."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from api.placement.nodeselector import pod_matches_node
from api.placement.tolerations import first_untolerated
from apimachinery import labels
from apimachinery.labels import Selector
from scheduler.framework import MAX_SCORE, NodeCheck, Reject
from scheduler.nodeinfo import ZONE_LABEL, NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

HOSTNAME_LABEL = "kubernetes.io/hostname"
_MISMATCH = Reject(("node(s) didn't match pod topology spread constraints",))
_MISSING_LABEL = Reject(
    ("node(s) didn't match pod topology spread constraints (missing required label)",), resolvable=False
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One parsed TopologySpreadConstraint."""

    key: str
    max_skew: int
    min_domains: int
    selector: Selector
    honor_affinity: bool
    honor_taints: bool


class PodTopologySpread:
    """Filter by required constraints; score by preferred or default ones."""

    name: ClassVar[str] = "PodTopologySpread"
    local: ClassVar[bool] = False
    weight: ClassVar[int] = 2

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check against the counts per topology domain, where the pod has required constraints."""
        constraints = _constraints(pod, "DoNotSchedule")
        if not constraints:
            return None
        tables = [(constraint, *_domain_counts(pod, snapshot, constraint, constraints)) for constraint in constraints]

        def check(node: NodeInfo) -> Reject | None:
            for constraint, counts, least in tables:
                value = node.labels.get(constraint.key)
                if value is None:
                    return _MISSING_LABEL
                itself = 1 if constraint.selector.matches(pod.labels) else 0
                if counts.get(value, 0) + itself - least > constraint.max_skew:
                    return _MISMATCH
            return None

        return check

    def score(self, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """Fewer pods of the kind in the node's domains are better."""
        constraints = _constraints(pod, "ScheduleAnyway")
        stated = bool(pod.spec.get("topologySpreadConstraints"))
        if not stated:
            constraints = _default_constraints(pod, snapshot)
        if not constraints:
            return None
        eligible = [
            all(constraint.key in node.labels for constraint in constraints) if stated else True for node in nodes
        ]
        raw = [0.0] * len(nodes)
        for constraint in constraints:
            domains = _weighed_domains(pod, snapshot, constraint, nodes, eligible)
            for index, node in enumerate(nodes):
                value = node.labels.get(constraint.key)
                if value is not None and eligible[index]:
                    raw[index] += domains.get(node.name if constraint.key == HOSTNAME_LABEL else value, 0.0)
        return _normalize([round(score) for score in raw], eligible)


def _constraints(pod: PodInfo, action: str) -> list[Constraint]:
    found: Sequence[Mapping[str, Any]] = pod.spec.get("topologySpreadConstraints") or ()
    return [_parse(item, pod.labels) for item in found if item.get("whenUnsatisfiable") == action]


def _parse(item: Mapping[str, Any], pod_labels: Mapping[str, str]) -> Constraint:
    selector = dict(item.get("labelSelector") or {})
    own = {key: pod_labels[key] for key in item.get("matchLabelKeys") or () if key in pod_labels}
    if own:
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), **own}
    return Constraint(
        key=item["topologyKey"],
        max_skew=item.get("maxSkew") or 1,
        min_domains=item.get("minDomains") or 1,
        selector=labels.from_label_selector(selector) if item.get("labelSelector") is not None else labels.NOTHING,
        honor_affinity=item.get("nodeAffinityPolicy", "Honor") == "Honor",
        honor_taints=item.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )


def _default_constraints(pod: PodInfo, snapshot: Snapshot) -> list[Constraint]:
    selector = snapshot.lookups.spreading_selector(pod) if snapshot.lookups is not None else None
    if selector is None:
        return []
    return [
        Constraint(HOSTNAME_LABEL, 3, 1, selector, honor_affinity=True, honor_taints=False),
        Constraint(ZONE_LABEL, 5, 1, selector, honor_affinity=True, honor_taints=False),
    ]


def _counts(pod: PodInfo, snapshot: Snapshot, selector: Selector) -> Counter[str]:
    """Pods of the namespace that match and are not being deleted, by node."""
    namespace = pod.namespace

    def matches(other: PodInfo) -> bool:
        if other.namespace != namespace or (other.pod.get("metadata") or {}).get("deletionTimestamp"):
            return False
        return selector.matches(other.labels)

    return snapshot.counter(("spread", namespace, selector), matches).by_node


def _takes_part(pod: PodInfo, node: NodeInfo, constraint: Constraint) -> bool:
    if constraint.honor_affinity and (node.node is None or not pod_matches_node(pod.spec, node.node)):
        return False
    if constraint.honor_taints:
        return first_untolerated(node.taints, pod.spec.get("tolerations") or ()) is None
    return True


def _domain_counts(
    pod: PodInfo, snapshot: Snapshot, constraint: Constraint, all_constraints: Sequence[Constraint]
) -> tuple[dict[str, int], int]:
    """The pods per domain, and the least of any domain (0 where there are fewer domains than minDomains)."""
    by_node = _counts(pod, snapshot, constraint.selector)
    domains: dict[str, int] = {}
    for node in snapshot.order:
        if any(other.key not in node.labels for other in all_constraints) or not _takes_part(pod, node, constraint):
            continue
        value = node.labels[constraint.key]
        domains[value] = domains.get(value, 0) + by_node.get(node.name, 0)
    if len(domains) < constraint.min_domains:
        return domains, 0
    return domains, min(domains.values(), default=0)


def _weighed_domains(
    pod: PodInfo, snapshot: Snapshot, constraint: Constraint, nodes: Sequence[NodeInfo], eligible: Sequence[bool]
) -> dict[str, float]:
    """The raw score of each domain (hosts by node name): pods there times a weight that grows with the domains."""
    by_node = _counts(pod, snapshot, constraint.selector)
    base = constraint.max_skew - 1
    if constraint.key == HOSTNAME_LABEL:
        weight = math.log(sum(eligible) + 2)
        return {node.name: by_node.get(node.name, 0) * weight + base for node in nodes}
    wanted = {
        node.labels[constraint.key]
        for node, counts in zip(nodes, eligible, strict=True)
        if counts and constraint.key in node.labels
    }
    if not wanted:
        return {}
    totals = dict.fromkeys(wanted, 0)
    for name, count in by_node.items():
        info = snapshot.nodes.get(name)
        value = info.labels.get(constraint.key) if info is not None else None
        if info is not None and value in totals and _takes_part(pod, info, constraint):
            totals[value] += count
    weight = math.log(len(wanted) + 2)
    return {value: count * weight + base for value, count in totals.items()}


def _normalize(scores: list[int], eligible: Sequence[bool]) -> list[int]:
    """The fewest pods get 100; nodes that lack a stated topology label get 0."""
    taking_part = [score for score, counts in zip(scores, eligible, strict=True) if counts]
    top, low = max(taking_part, default=0), min(taking_part, default=0)
    if top == 0:
        return [MAX_SCORE if counts else 0 for counts in eligible]
    return [
        MAX_SCORE * (top + low - score) // top if counts else 0 for score, counts in zip(scores, eligible, strict=True)
    ]
