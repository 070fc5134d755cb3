"""Where a pod goes, or why nowhere: filter the nodes, score those left, pick one of the best. Pure.

Rules that look at one node alone are asked again only of nodes that changed: their answers are kept in `Evaluations`
for pods that ask for the same, so that a Deployment of a thousand pods costs little more per pod than one node."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from scheduler.framework import FilterRule, NodeCheck, OnlyNodes, Reject, ScoreRule
from scheduler.nodeinfo import NodeInfo
from scheduler.plugins.node_affinity import only_nodes
from scheduler.plugins.node_resources import balanced, least_allocated
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_MIN_FEASIBLE = 100
_MIN_PERCENT = 5
_MAX_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class Placed:
    """The node chosen, and where the next search should begin so that all nodes get their turn."""

    node: str
    next_start: int


@dataclass(frozen=True, slots=True)
class Unschedulable:
    """No node does. `rejects` has, per node, the rule and its answer; `cluster` a rule's answer for all nodes."""

    total_nodes: int
    rejects: dict[str, tuple[str, Reject]] = field(default_factory=dict)
    cluster: tuple[str, Reject] | None = None

    @property
    def rules(self) -> frozenset[str]:
        """The rules that said no: only what changes their mind is worth another try."""
        names = {name for name, _ in self.rejects.values()}
        return frozenset(names | {self.cluster[0]} if self.cluster else names)


@dataclass(slots=True)
class _Local:
    """The answers of the local rules for one node at one generation."""

    generation: int
    reject: tuple[str, Reject] | None
    score: int


class Evaluations:
    """Answers of local rules by pod signature and node; the signatures least used are dropped."""

    def __init__(self) -> None:
        self._tables: OrderedDict[bytes, dict[str, _Local]] = OrderedDict()

    def table(self, signature: bytes) -> dict[str, _Local]:
        """The table of one signature."""
        found = self._tables.get(signature)
        if found is None:
            found = self._tables[signature] = {}
            if len(self._tables) > _MAX_SIGNATURES:
                self._tables.popitem(last=False)
        else:
            self._tables.move_to_end(signature)
        return found


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules in their order."""

    filters: Sequence[FilterRule]
    scores: Sequence[ScoreRule]


@dataclass(slots=True)
class Checks:
    """A pod's prepared checks, those that look at one node alone apart from the others."""

    local: list[tuple[str, NodeCheck]]
    others: list[tuple[str, NodeCheck]]
    nodes: Sequence[NodeInfo]

    def first_reject(self, node: NodeInfo) -> tuple[str, Reject] | None:
        """What the first rule that says no says of the node as it is, nothing remembered."""
        return _first(self.local, node) or _first(self.others, node)


def prepare(pod: PodInfo, snapshot: Snapshot, profile: Profile) -> Checks | Unschedulable:
    """Ask every rule to prepare for the pod."""
    nodes = snapshot.order
    restriction = only_nodes(pod)
    if restriction is not None:
        nodes = [node for node in nodes if node.name in restriction.names]
    checks = Checks([], [], nodes)
    for rule in profile.filters:
        prepared = rule.prepare(pod, snapshot)
        if prepared is None:
            continue
        if isinstance(prepared, Reject):
            return Unschedulable(len(snapshot.order), cluster=(rule.name, prepared))
        if isinstance(prepared, OnlyNodes):
            checks.nodes = [node for node in checks.nodes if node.name in prepared.names]
            continue
        (checks.local if rule.local else checks.others).append((rule.name, prepared))
    return checks


def decide(
    pod: PodInfo, snapshot: Snapshot, profile: Profile, *, start: int, rng: Random, evaluations: Evaluations
) -> Placed | Unschedulable:
    """The node for the pod. `start`: the `next_start` of the last decision."""
    checks = prepare(pod, snapshot, profile)
    if isinstance(checks, Unschedulable):
        return checks
    search = _Search(pod, snapshot, checks, evaluations.table(pod.signature))
    nominated = (pod.pod.get("status") or {}).get("nominatedNodeName")
    if nominated and nominated in snapshot.nodes and snapshot.nodes[nominated] in checks.nodes:
        search.visit(snapshot.nodes[nominated])
    if not search.feasible:
        start = search.run(start)
    if not search.feasible:
        return Unschedulable(len(snapshot.order), search.rejects)
    return Placed(_pick(pod, snapshot, profile, search.feasible, rng), start)


class _Search:
    def __init__(self, pod: PodInfo, snapshot: Snapshot, checks: Checks, table: dict[str, _Local]) -> None:
        self.pod, self.snapshot, self.checks, self.table = pod, snapshot, checks, table
        self.feasible: list[tuple[NodeInfo, int]] = []
        self.rejects: dict[str, tuple[str, Reject]] = {}

    def run(self, start: int) -> int:
        """Look at nodes from `start` on until enough are found; returns where the next search should begin."""
        nodes = self.checks.nodes
        count = len(nodes)
        if not count:
            return 0
        enough = nodes_to_find(count)
        start %= count
        self.rejects.clear()
        for offset in range(count):
            index = start + offset
            self.visit(nodes[index if index < count else index - count])
            if len(self.feasible) >= enough:
                return (start + offset + 1) % count
        return start

    def visit(self, node: NodeInfo) -> None:
        """Check one node."""
        waiting = self.snapshot.nominated.get(node.name)
        if waiting:
            reject = with_nominated(self.pod, node, waiting.values(), self.checks)
            if reject is not None:
                self.rejects[node.name] = reject
                return
        known = self.table.get(node.name)
        if known is None or known.generation != node.generation:
            known = self.table[node.name] = _evaluate(self.pod, node, self.checks.local)
        reject = known.reject or (_first(self.checks.others, node) if self.checks.others else None)
        if reject is None:
            self.feasible.append((node, known.score))
        else:
            self.rejects[node.name] = reject


def with_nominated(
    pod: PodInfo, node: NodeInfo, waiting: Iterable[PodInfo], checks: Checks
) -> tuple[str, Reject] | None:
    """The local rules' answer as if the pods that wait for this node, and matter as much, were there already."""
    others = [info for info in waiting if info.uid != pod.uid and info.priority >= pod.priority]
    others = [info for info in others if info.uid not in node.pods]
    if not others:
        return None
    trial = node.clone()
    for info in others:
        trial.add(info)
    return _first(checks.local, trial)


def _evaluate(pod: PodInfo, node: NodeInfo, checks: list[tuple[str, NodeCheck]]) -> _Local:
    reject = _first(checks, node)
    score = 0 if reject else least_allocated(pod, node) + balanced(pod, node)
    return _Local(node.generation, reject, score)


def _first(checks: list[tuple[str, NodeCheck]], node: NodeInfo) -> tuple[str, Reject] | None:
    for name, check in checks:
        reject = check(node)
        if reject is not None:
            return name, reject
    return None


def nodes_to_find(count: int) -> int:
    """How many possible nodes are enough to choose from: all of up to 100, then ever fewer percent of them."""
    if count < _MIN_FEASIBLE:
        return count
    percent = max(50 - count // 125, _MIN_PERCENT)
    return max(count * percent // 100, _MIN_FEASIBLE)


def _pick(pod: PodInfo, snapshot: Snapshot, profile: Profile, feasible: list[tuple[NodeInfo, int]], rng: Random) -> str:
    if len(feasible) == 1:
        return feasible[0][0].name
    nodes = [node for node, _ in feasible]
    totals = [score for _, score in feasible]
    for rule in profile.scores:
        scores = rule.score(pod, snapshot, nodes)
        if scores is None:
            continue
        weight = rule.weight
        totals = [total + weight * score for total, score in zip(totals, scores, strict=True)]
    best = max(totals)
    return rng.choice([node.name for node, total in zip(nodes, totals, strict=True) if total == best])
