"""The status of a namespace that is being emptied, and what is next to be done about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apimachinery.objects import Object, format_time

FINALIZER = "kubernetes"
_FINALIZERS_REMAIN = "Some content in the namespace has finalizers remaining: "

#: Type, reason when something is wrong, reason and message when all is well.
_CONDITIONS = (
    (
        "NamespaceDeletionDiscoveryFailure", "DiscoveryFailed",
        "ResourcesDiscovered", "All resources successfully discovered",
    ),
    (
        "NamespaceDeletionGroupVersionParsingFailure", "GroupVersionParsingFailed",
        "ParsedGroupVersions", "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure", "ContentDeletionFailed",
        "ContentDeleted", "All content successfully deleted, may be waiting on finalization",
    ),
    (
        "NamespaceContentRemaining", "SomeResourcesRemain",
        "ContentRemoved", "All content successfully removed",
    ),
    (
        "NamespaceFinalizersRemaining", "SomeFinalizersRemain",
        "ContentHasNoFinalizers", "All content-preserving finalizers finished",
    ),
)  # fmt: skip


@dataclass(slots=True)
class Remains:
    """What one pass over a namespace's content found: keys are group resources such as "pods" or "jobs.batch"."""

    counts: dict[str, int] = field(default_factory=dict)
    finalizers: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    discovery_failures: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing is left and nothing could have been overlooked."""
        return not (self.counts or self.failures or self.discovery_failures)


def conditions(current: list[dict[str, Any]], remains: Remains, now: datetime) -> list[dict[str, Any]]:
    """The namespace's conditions after this pass; the time changes only where a status does."""
    wrong = (
        _joined("Discovery failed for some groups, %d failing: ", remains.discovery_failures),
        "",
        _joined("Failed to delete all resource types, %d remaining: ", remains.failures),
        _listed("Some resources are remaining: ", "%s has %d resource instances", remains.counts),
        _listed(_FINALIZERS_REMAIN, "%s in %d resource instances", remains.finalizers),
    )
    wanted = [_condition(*row, text) for row, text in zip(_CONDITIONS, wrong, strict=True)]
    known = {condition["type"]: condition for condition in current}
    for condition in wanted:
        old = known.get(condition["type"])
        same = old is not None and old["status"] == condition["status"]
        condition["lastTransitionTime"] = old["lastTransitionTime"] if old and same else format_time(now)
        known[condition["type"]] = condition
    return list(known.values())


def _condition(type: str, bad: str, good: str, fine: str, wrong: str) -> dict[str, Any]:
    status, reason, message = ("True", bad, wrong) if wrong else ("False", good, fine)
    return {"type": type, "status": status, "reason": reason, "message": message}


def _joined(prefix: str, texts: list[str]) -> str:
    return prefix % len(texts) + ", ".join(sorted(texts)) if texts else ""


def _listed(prefix: str, each: str, counts: Mapping[str, int]) -> str:
    return prefix + ", ".join(each % item for item in sorted(counts.items())) if counts else ""


def finalized(namespace: Object) -> Object:
    """The namespace without this controller's finalizer, for its `finalize` subresource."""
    spec = namespace.get("spec") or {}
    left = [name for name in spec.get("finalizers") or () if name != FINALIZER]
    return {**namespace, "spec": {**spec, "finalizers": left}}


def pause_seconds(remains: Remains, grace_seconds: float) -> float:
    """How long to wait before looking again: half the longest pod's grace period and a little more."""
    return grace_seconds / 2 + 1 if "pods" in remains.counts and grace_seconds else 1.0
