"""Rules of PriorityLevelConfigurations, and of all conditions in flow control. Pure.

(pkg/apis/flowcontrol/validation.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log2
from typing import Any

from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_TYPES = ("Exempt", "Limited")
_MAX_QUEUES = 10_000_000
#: How many bits of a flow's hash choose its queues.
_MAX_HASH_BITS = 60
_NOT_A_SHARE = "must be between 0 and 100, inclusive"


def validate_level_spec(spec: Mapping[str, Any], name: str, shares: str) -> list[FieldError]:
    """`shares`: what the request's version calls the concurrency shares."""
    kind, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    errors: list[FieldError] = []
    if (name == "exempt") != (kind == "Exempt"):
        errors.append(fe.invalid("spec.type", kind, "type must be 'Exempt' if and only if name is 'exempt'"))
    if kind == "Exempt":
        if limited is not None:
            errors.append(fe.forbidden("spec.limited", "must be nil if the type is not Limited"))
        return errors + _validate_exempt(exempt, "spec.exempt")
    if kind != "Limited":
        return [*errors, fe.not_supported("spec.type", kind, _TYPES)]
    if exempt is not None:
        errors.append(fe.forbidden("spec.exempt", "must be nil if the type is Limited"))
    if limited is None:
        return [*errors, fe.required("spec.limited", "must not be empty when type is Limited")]
    return errors + _validate_limited(limited, shares, "spec.limited")


def _validate_exempt(exempt: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    if exempt is None:
        return [fe.required(path, "must not be empty when type is Exempt")]
    errors: list[FieldError] = []
    share = exempt.get("nominalConcurrencyShares")
    if share is not None and share < 0:
        errors.append(fe.invalid(f"{path}.nominalConcurrencyShares", share, "must be a non-negative integer"))
    return errors + _validate_percent(exempt, f"{path}.lendablePercent")


def _validate_percent(values: Mapping[str, Any], path: str) -> list[FieldError]:
    lendable = values.get("lendablePercent")
    return [] if lendable is None or 0 <= lendable <= 100 else [fe.invalid(path, lendable, _NOT_A_SHARE)]


def _validate_limited(limited: Mapping[str, Any], shares: str, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if (share := limited.get(shares) or 0) <= 0:
        errors.append(fe.invalid(f"{path}.{shares}", share, "must be positive"))
    errors += _validate_response(limited.get("limitResponse") or {}, f"{path}.limitResponse")
    errors += _validate_percent(limited, f"{path}.lendablePercent")
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        text = "if specified, must be a non-negative integer"
        errors.append(fe.invalid(f"{path}.borrowingLimitPercent", borrowing, text))
    return errors


def _validate_response(response: Mapping[str, Any], path: str) -> list[FieldError]:
    kind, queuing = response.get("type") or "", response.get("queuing")
    if kind == "Reject":
        text = "must be nil if limited.limitResponse.type is not Limited"
        return [] if queuing is None else [fe.forbidden(f"{path}.queuing", text)]
    if kind != "Queue":
        return [fe.not_supported(f"{path}.type", kind, ("Queue", "Reject"))]
    if queuing is None:
        return [fe.required(f"{path}.queuing", "must not be empty if limited.limitResponse.type is Limited")]
    return _validate_queuing(queuing, f"{path}.queuing")


def _validate_queuing(queuing: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    queues, hand, length = (queuing.get(field) or 0 for field in ("queues", "handSize", "queueLengthLimit"))
    if length <= 0:
        errors.append(fe.invalid(f"{path}.queueLengthLimit", length, "must be positive"))
    if queues <= 0:
        errors.append(fe.invalid(f"{path}.queues", queues, "must be positive"))
    elif queues > _MAX_QUEUES:
        errors.append(fe.invalid(f"{path}.queues", queues, f"must not be greater than {_MAX_QUEUES}"))
    if hand <= 0:
        errors.append(fe.invalid(f"{path}.handSize", hand, "must be positive"))
    elif hand > queues:
        text = f"should not be greater than queues ({queues})"
        errors.append(fe.invalid(f"{path}.handSize", hand, text))
    elif ceil(log2(queues) * hand) > _MAX_HASH_BITS:
        bits = f"required entropy bits of deckSize {queues} and handSize {hand}"
        errors.append(fe.invalid(f"{path}.handSize", hand, f"{bits} should not be greater than {_MAX_HASH_BITS}"))
    return errors


def validate_condition_types(conditions: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Every condition of a status has a type of its own."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        path, kind = f"status.conditions[{index}].type", condition.get("type") or ""
        if kind in seen:
            errors.append(fe.duplicate(path, kind))
        seen.add(kind)
        if not kind:
            errors.append(fe.required(path, "must not be empty"))
    return errors
