"""Whether a default role or binding that is there already needs what the default has and it lacks. Pure.

As component-helpers/auth/rbac/reconciliation: rules and subjects are added, never taken away, and an object whose
autoupdate annotation is "false" is left alone. A binding to another role is replaced, for roleRef cannot change."""

from __future__ import annotations

from typing import Literal

from apimachinery.objects import Object, annotations_of, labels_of
from apiserver.authz.rules import from_object, uncovered
from apiserver.bootstrap.policy import AUTOUPDATE

Action = Literal["none", "update", "replace"]


def reconciled_role(existing: Object, expected: Object) -> Object | None:
    """The role as it is to be written, None where it needs nothing."""
    if annotations_of(existing).get(AUTOUPDATE) == "false":
        return None
    merged = _with_metadata(existing, expected)
    have = [from_object(rule) for rule in existing.get("rules") or ()]
    wanted = [from_object(rule) for rule in expected.get("rules") or ()]
    missing = [rule for rule in wanted if uncovered(have, [rule])]
    if "aggregationRule" in expected:
        selectors = list((existing.get("aggregationRule") or {}).get("clusterRoleSelectors") or ())
        extra = [item for item in expected["aggregationRule"]["clusterRoleSelectors"] if item not in selectors]
        if extra:
            merged["aggregationRule"] = {"clusterRoleSelectors": selectors + extra}
    elif missing:
        merged["rules"] = [*(existing.get("rules") or ()), *(rule.as_object() for rule in missing)]
    return merged if merged != existing else None


def reconciled_binding(existing: Object, expected: Object) -> tuple[Action, Object]:
    """What to do about a binding, and the object to write."""
    if annotations_of(existing).get(AUTOUPDATE) == "false":
        return "none", existing
    if existing.get("roleRef") != expected["roleRef"]:
        return "replace", expected
    merged = _with_metadata(existing, expected)
    subjects = list(existing.get("subjects") or ())
    extra = [subject for subject in expected.get("subjects") or () if subject not in subjects]
    if extra:
        merged["subjects"] = subjects + extra
    return ("update" if merged != existing else "none"), merged


def _with_metadata(existing: Object, expected: Object) -> Object:
    metadata = dict(existing["metadata"])
    for key, wanted, have in (
        ("labels", labels_of(expected), labels_of(existing)),
        ("annotations", annotations_of(expected), annotations_of(existing)),
    ):
        metadata[key] = {**wanted, **have}
    return {**existing, "metadata": metadata}
