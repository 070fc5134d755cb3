"""Groups of the Kubernetes community (*.k8s.io): definitions in them say who has approved their API. Pure.

(k8s.io/apiextensions-apiserver/pkg/apihelpers; https://github.com/kubernetes/enhancements/pull/1111.)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from api.apiextensions.conditions import condition, with_condition
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError, go_quote
from apimachinery.objects import Object, annotations_of

ANNOTATION: Final = "api-approved.kubernetes.io"
CONDITION: Final = "KubernetesAPIApprovalPolicyConformant"
_SEE: Final = "see https://github.com/kubernetes/enhancements/pull/1111"


@dataclass(frozen=True, slots=True)
class Approval:
    """What the annotation says; `reason` is that of the condition."""

    reason: str
    message: str

    @property
    def conforms(self) -> bool:
        """Whether the API is approved."""
        return self.reason == "ApprovedAnnotation"


def approval_of(crd: Object) -> Approval | None:
    """None for a group that needs none."""
    group = (crd.get("spec") or {}).get("group") or ""
    if not (group in ("k8s.io", "kubernetes.io") or group.endswith((".k8s.io", ".kubernetes.io"))):
        return None
    said = annotations_of(crd).get(ANNOTATION) or ""
    rule = f"protected groups must have approval annotation {go_quote(ANNOTATION)}"
    if not said:
        return Approval("MissingAnnotation", f"{rule}, {_SEE}")
    if said.startswith("unapproved"):
        return Approval("UnapprovedAnnotation", f"not approved: {go_quote(said)}")
    if _is_url(said):
        return Approval("ApprovedAnnotation", f"approved in {said}")
    text = f'{rule} with either a URL or a reason starting with "unapproved", {_SEE}'
    return Approval("InvalidAnnotation", text)


def validate_approval(crd: Object) -> list[FieldError]:
    """An annotation that is needed and missing, or says nothing."""
    found, path = approval_of(crd), f"metadata.annotations[{ANNOTATION}]"
    if found is not None and found.reason == "MissingAnnotation":
        return [fe.required(path, found.message)]
    if found is not None and found.reason == "InvalidAnnotation":
        return [fe.invalid(path, annotations_of(crd)[ANNOTATION], found.message)]
    return []


def with_approval(crd: Object, status: Object, now: datetime) -> Object:
    """The status with the condition that tells of the approval."""
    found = approval_of(crd)
    if found is None:
        return status
    value = "True" if found.conforms else "False"
    present = condition(status, CONDITION)
    told: Any = (present.get("status"), present.get("reason"), present.get("message"))
    if told == (value, found.reason, found.message):
        return status
    return with_condition(status, CONDITION, value, found.reason, found.message, now)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)
