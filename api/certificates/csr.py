"""CertificateSigningRequests: rules, what each subresource writes, table. Pure.

Who asks (spec.username and the like) is filled in by the API server, which knows the request's user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.certificates.rules import (
    APPROVAL,
    conditions_of,
    validate_certificate,
    validate_removed,
    validate_request_conditions,
    validate_request_spec,
)
from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase, restore
from api.table import AGE, NAME, NONE, age
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.duration import human_duration
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, format_time

COLUMNS = (
    NAME,
    AGE,
    Column(name="SignerName", description="Who is asked to sign."),
    Column(name="Requestor", description="Who asks."),
    Column(name="RequestedDuration", description="How long the certificate should be valid."),
    Column(name="Condition", description="Whether it is approved, denied, issued."),
)
_CREATOR_FIELDS = ("username", "uid", "groups", "extra")


class SigningRequestStrategy(StatusStrategyBase):
    """The request itself: once made, it stays as it is."""

    def record_creator(
        self, obj: Object, name: str, uid: str, groups: Sequence[str], extra: Mapping[str, Sequence[str]]
    ) -> None:
        """The request is that of whoever makes it, whatever it says itself."""
        spec = obj.setdefault("spec", {})
        for field in _CREATOR_FIELDS:
            spec.pop(field, None)
        spec["username"] = name
        for field, value in (("uid", uid), ("groups", list(groups)), ("extra", {k: list(v) for k, v in extra.items()})):
            if value:
                spec[field] = value

    def default(self, obj: Object) -> None:
        """There is always a spec."""
        obj.setdefault("spec", {})

    def prepare_update(self, new: Object, old: Object) -> None:
        """Neither spec nor status change with the object."""
        restore(new, old, "status")
        restore(new, old, "spec")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateCertificateSigningRequestCreate."""
        return validate_request_spec(obj["spec"])

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Nothing of it changes."""
        return []

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """Whatever can stand in a URL."""
        return names.path_segment_name(name, prefix)


class _ConditionsStrategy(StatusStrategy):
    """A subresource that writes conditions."""

    def note_time(self, new: Object, old: Object, now: datetime) -> None:
        """Conditions that do not say so are of now; one that says what it said before has not changed since."""
        if conditions := (new.get("status") or {}).get("conditions"):
            earlier = (old.get("status") or {}).get("conditions") or ()
            new["status"]["conditions"] = [_timed(condition, earlier, format_time(now)) for condition in conditions]


class SigningRequestStatusStrategy(_ConditionsStrategy):
    """certificatesigningrequests/status: the signer's part; approval stays."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Conditions of approval keep what they say; whether there are any, the rules look at."""
        super().prepare_update(new, old)
        status = new.setdefault("status", {})
        for kind in APPROVAL:
            kept, written = conditions_of(old, kind), conditions_of(new, kind)
            if len(kept) == len(written):
                others = iter(kept)
                everything = status.get("conditions") or []
                status["conditions"] = [next(others) if c.get("type") == kind else c for c in everything]
        _set_conditions(status, status.get("conditions") or [])

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateCertificateSigningRequestStatusUpdate: a certificate, once issued, stays."""
        errors = validate_request_conditions(new, old) + validate_certificate(new, old)
        errors += validate_removed(new, old)
        for kind in APPROVAL:
            if len(conditions_of(new, kind)) > len(conditions_of(old, kind)):
                text = f"updates may not add a condition of type {fe.go_quote(kind)}"
                errors.append(fe.forbidden("status.conditions", text))
        before, after = ((obj.get("status") or {}).get("certificate") or "" for obj in (old, new))
        if before and after != before:
            errors.append(fe.forbidden("status.certificate", "updates may not modify existing certificate content"))
        return errors


class SigningRequestApprovalStrategy(_ConditionsStrategy):
    """certificatesigningrequests/approval: only the conditions are written."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """All of the status but its conditions stays."""
        super().prepare_update(new, old)
        conditions = (new.get("status") or {}).get("conditions") or []
        new["status"] = dict(old.get("status") or {})
        _set_conditions(new["status"], conditions)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateCertificateSigningRequestApprovalUpdate: what was approved or denied stays so."""
        return validate_request_conditions(new, old) + validate_removed(new, old)


def _timed(condition: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], now: str) -> dict[str, Any]:
    """The condition with both its times."""
    times = (each.get("lastTransitionTime") for each in earlier if _says_the_same(each, condition))
    updated, changed = condition.get("lastUpdateTime"), condition.get("lastTransitionTime")
    return {
        **condition,
        "lastUpdateTime": updated or now,
        "lastTransitionTime": changed or next(filter(None, times), now),
    }


def _says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("type") == other.get("type") and one.get("status") == other.get("status")


def _set_conditions(status: dict[str, Any], conditions: list[dict[str, Any]]) -> None:
    if conditions:
        status["conditions"] = conditions
    else:
        status.pop("conditions", None)


def _condition(obj: Object) -> str:
    parts = []
    if conditions_of(obj, "Denied"):
        parts.append("Denied")
    elif conditions_of(obj, "Approved"):
        parts.append("Approved")
    else:
        parts.append("Pending")
    if conditions_of(obj, "Failed"):
        parts.append("Failed")
    if (obj.get("status") or {}).get("certificate"):
        parts.append("Issued")
    return ",".join(parts)


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    spec: Mapping[str, Any] = obj.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    return [
        obj["metadata"].get("name"),
        age(obj, now),
        spec.get("signerName") or NONE,
        spec.get("username") or "",
        NONE if seconds is None else human_duration(seconds),
        _condition(obj),
    ]


SELECTABLE = {"spec.signerName": lambda obj: (obj.get("spec") or {}).get("signerName") or ""}
SIGNING_REQUEST = SigningRequestStrategy()
SIGNING_REQUEST_STATUS = SigningRequestStatusStrategy(SIGNING_REQUEST)
SIGNING_REQUEST_APPROVAL = SigningRequestApprovalStrategy(SIGNING_REQUEST)
