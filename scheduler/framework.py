"""What a rule of the scheduler is, and what it may answer. Pure.

A rule is asked once per pod to prepare; the answer is None where it has nothing to say of this pod (most rules, for
most pods), so that only what matters is asked of every node. Named after k8s.io/kube-scheduler's extension points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

MAX_SCORE = 100


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a node (or, from `prepare`, the whole cluster) does not do; `resolvable`: other pods leaving may help."""

    reasons: tuple[str, ...]
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class OnlyNodes:
    """From `prepare`: no other nodes need to be looked at."""

    names: frozenset[str]


NodeCheck = Callable[[NodeInfo], Reject | None]


class FilterRule(Protocol):
    """A rule that says which nodes can take a pod."""

    name: ClassVar[str]
    #: Whether the check looks at nothing but the pod's own spec and the one node (then answers are kept per node).
    local: ClassVar[bool]

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | OnlyNodes | Reject | None:
        """The check for this pod; None: every node will do."""


class ScoreRule(Protocol):
    """A rule that says which of the possible nodes are better, 0 to 100."""

    name: ClassVar[str]
    weight: ClassVar[int]

    def score(self, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """One score per node, normalised; None: it makes no difference."""


def normalize(scores: list[int], *, reverse: bool = False) -> list[int]:
    """Stretch to 0..100 by the largest; `reverse` where less is better (DefaultNormalizeScore)."""
    top = max(scores, default=0)
    if top == 0:
        return [MAX_SCORE] * len(scores) if reverse else scores
    stretched = [MAX_SCORE * score // top for score in scores]
    return [MAX_SCORE - score for score in stretched] if reverse else stretched
