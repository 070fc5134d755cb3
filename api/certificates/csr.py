"""CertificateSigningRequests: rules, what each subresource writes, table. Pure.

Who asks (spec.username and the like) is filled in by the API server, which knows the request's user."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.gosyntax import byte_list, raw
from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase, restore
from api.table import AGE, NAME, NONE, age
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.duration import human_duration
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    AGE,
    Column(name="SignerName", description="Who is asked to sign."),
    Column(name="Requestor", description="Who asks."),
    Column(name="RequestedDuration", description="How long the certificate should be valid."),
    Column(name="Condition", description="Whether it is approved, denied, issued."),
)
USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
_APPROVAL = ("Approved", "Denied")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----", re.DOTALL)
_MIN_SECONDS = 600


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
        spec = obj["spec"]
        errors = _validate_request(spec.get("request") or "")
        usages = spec.get("usages") or []
        if not usages:
            errors.append(fe.required("spec.usages"))
        for index, usage in enumerate(usages):
            if usage not in USAGES:
                errors.append(fe.not_supported(f"spec.usages[{index}]", usage, USAGES))
            if usage in usages[:index]:
                errors.append(fe.duplicate(f"spec.usages[{index}]", usage))
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < _MIN_SECONDS:
            text = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.append(fe.invalid("spec.expirationSeconds", seconds, text))
        return errors + _validate_signer(spec.get("signerName") or "", "spec.signerName")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Nothing of it changes."""
        return []

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """Whatever can stand in a URL."""
        return names.path_segment_name(name, prefix)


def _validate_request(encoded: str) -> list[FieldError]:
    """A PEM block of the right type; its content is the signer's concern."""
    try:
        data = base64.b64decode(encoded)
    except binascii.Error:
        data = b""
    block = _PEM.search(data)
    if block is None or block[1] != b"CERTIFICATE REQUEST":
        text = "PEM block type must be CERTIFICATE REQUEST"
        return [fe.invalid("spec.request", raw(byte_list(data)), text)]
    return []


def _validate_signer(name: str, path: str) -> list[FieldError]:
    if not name:
        return [fe.required(path)]
    if "/" not in name:
        text = 'must be a fully qualified domain and path of the form "example.com/signer-name"'
        return [fe.invalid(path, name, text)]
    domain, _, rest = name.partition("/")
    errors = [fe.invalid(path, domain, text) for text in names.dns1123_subdomain(domain)]
    if "." not in domain and not errors:
        errors.append(fe.invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    errors.extend(fe.invalid(path, rest, text) for text in names.dns1123_subdomain(rest))
    if len(name) > 571:
        errors.append(fe.too_long(path, name, 571))
    return errors


class SigningRequestStatusStrategy(StatusStrategy):
    """certificatesigningrequests/status: the signer's part; approval stays."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Conditions of approval are written through the approval subresource only."""
        super().prepare_update(new, old)
        status = new.setdefault("status", {})
        kept = [c for c in (old.get("status") or {}).get("conditions") or () if c.get("type") in _APPROVAL]
        others = [c for c in status.get("conditions") or () if c.get("type") not in _APPROVAL]
        _set_conditions(status, [*kept, *others])

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """A certificate, once issued, stays."""
        before = (old.get("status") or {}).get("certificate")
        after = (new.get("status") or {}).get("certificate")
        if before and after != before:
            return [fe.forbidden("status.certificate", "updates may not change a set certificate")]
        return _validate_conditions(new)


class SigningRequestApprovalStrategy(StatusStrategy):
    """certificatesigningrequests/approval: only the conditions are written."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """All of the status but its conditions stays."""
        super().prepare_update(new, old)
        conditions = (new.get("status") or {}).get("conditions") or []
        new["status"] = dict(old.get("status") or {})
        _set_conditions(new["status"], conditions)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What was approved or denied stays so."""
        errors = _validate_conditions(new)
        for kind in _APPROVAL:
            if _has(old, kind) and not _has(new, kind):
                text = f"updates may not remove a condition of type {fe.go_quote(kind)}"
                errors.append(fe.forbidden("status.conditions", text))
        return errors


def _set_conditions(status: dict[str, Any], conditions: list[dict[str, Any]]) -> None:
    if conditions:
        status["conditions"] = conditions
    else:
        status.pop("conditions", None)


def _has(obj: Object, kind: str) -> bool:
    return any(c.get("type") == kind for c in (obj.get("status") or {}).get("conditions") or ())


def _validate_conditions(obj: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    conditions = (obj.get("status") or {}).get("conditions") or []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        path, kind, status = f"status.conditions[{index}]", condition.get("type") or "", condition.get("status") or ""
        if not kind:
            errors.append(fe.required(f"{path}.type"))
        if kind in seen:
            errors.append(fe.duplicate(f"{path}.type", kind))
        seen.add(kind)
        if not status:
            errors.append(fe.required(f"{path}.status"))
        elif kind in (*_APPROVAL, "Failed") and status != "True":
            errors.append(fe.not_supported(f"{path}.status", status, ("True",)))
    if set(_APPROVAL) <= seen:
        index = max(i for i, c in enumerate(conditions) if c.get("type") in _APPROVAL)
        text = "Approved and Denied conditions are mutually exclusive"
        errors.append(fe.invalid(f"status.conditions[{index}].type", conditions[index]["type"], text))
    return errors


def _condition(obj: Object) -> str:
    parts = []
    if _has(obj, "Denied"):
        parts.append("Denied")
    elif _has(obj, "Approved"):
        parts.append("Approved")
    else:
        parts.append("Pending")
    if _has(obj, "Failed"):
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
