"""Whether claims go with their pod or their set: spec.persistentVolumeClaimRetentionPolicy (KEP-1847). Pure.

A claim that is to go has an owner reference, and the garbage collector does the rest: to the set where it goes with
that, to the pod where the pod itself is about to go because the set is scaled down."""

from __future__ import annotations

from typing import Any

from api.resources import STATEFUL_SETS
from apimachinery.objects import Object, is_deleting, name_of, uid_of


def owners_of_claim(
    owner: Object, claim: Object, pod: Object | None, *, condemned: bool
) -> list[dict[str, Any]] | None:
    """The claim's ownerReferences as they are to be; None where they are so. `condemned`: the pod's ordinal is beyond
    the replicas."""
    policy = owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    with_pod = condemned and policy.get("whenScaled") == "Delete"
    with_set = policy.get("whenDeleted") == "Delete" and not with_pod
    now: list[dict[str, Any]] = claim["metadata"].get("ownerReferences") or []
    ours = [("StatefulSet", uid_of(owner)), ("Pod", uid_of(pod) if pod is not None else "")]
    wanted = [ref for ref in now if (ref["kind"], ref["uid"]) not in ours]
    if with_set:
        wanted.append(_reference(STATEFUL_SETS.api_version, STATEFUL_SETS.kind, owner))
    if with_pod and pod is not None:
        wanted.append(_reference("v1", "Pod", pod))
    return None if _keys(wanted) == _keys(now) else wanted


def is_stale(claim: Object, pod_name: str) -> bool:
    """Whether the claim is on its way out with an earlier pod of that name: the next pod must not start on it."""
    references = claim["metadata"].get("ownerReferences") or ()
    return is_deleting(claim) or any(ref["kind"] == "Pod" and ref["name"] == pod_name for ref in references)


def _reference(api_version: str, kind: str, obj: Object) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "name": name_of(obj), "uid": uid_of(obj)}


def _keys(references: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(ref["kind"], ref["uid"]) for ref in references}
