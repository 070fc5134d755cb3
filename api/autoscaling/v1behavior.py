"""Scaling behavior and conditions in the annotations of autoscaling/v1. Pure.

The reference writes its internal type of a behavior: Go's names, and every field; it reads names in any case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.autoscaling.v1metrics import is_whole

_RULES = {"ScaleUp": "scaleUp", "ScaleDown": "scaleDown"}
_CONDITION_TEXTS = ("type", "status", "lastTransitionTime", "reason", "message")


def behavior_to_v1(behavior: Mapping[str, Any]) -> dict[str, Any]:
    """What the annotation holds."""
    return {name: None if (r := behavior.get(field)) is None else _rules_to_v1(r) for name, field in _RULES.items()}


def _rules_to_v1(rules: Mapping[str, Any]) -> dict[str, Any]:
    policies = rules.get("policies")
    return {
        "StabilizationWindowSeconds": rules.get("stabilizationWindowSeconds"),
        "SelectPolicy": rules.get("selectPolicy"),
        "Policies": None if policies is None else [_policy_to_v1(policy) for policy in policies],
    }


def _policy_to_v1(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Type": policy.get("type") or "",
        "Value": policy.get("value") or 0,
        "PeriodSeconds": policy.get("periodSeconds") or 0,
    }


def behavior_to_v2(value: Any) -> dict[str, Any]:
    """The behavior that the annotation holds; none where it cannot be read."""
    try:
        found = _lowered(value)
        return {field: _rules_to_v2(found[field.lower()]) for field in _RULES.values() if field.lower() in found}
    except ValueError:
        return {}


def _lowered(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return {name.lower(): inner for name, inner in value.items() if inner is not None}


def _rules_to_v2(value: Any) -> dict[str, Any]:
    found = _lowered(value)
    window, choice, policies = (found.get(key) for key in ("stabilizationwindowseconds", "selectpolicy", "policies"))
    if not (window is None or is_whole(window)) or not isinstance(choice or "", str):
        raise ValueError("not the rules of a direction")
    if not isinstance(policies or [], list):
        raise ValueError("not a list of policies")
    given = {
        "stabilizationWindowSeconds": window,
        "selectPolicy": choice,
        "policies": None if policies is None else [_policy_to_v2(policy) for policy in policies],
    }
    return {field: inner for field, inner in given.items() if inner is not None}


def _policy_to_v2(value: Any) -> dict[str, Any]:
    found = _lowered(value)
    kind, amount, period = found.get("type", ""), found.get("value", 0), found.get("periodseconds", 0)
    if not isinstance(kind, str) or not is_whole(amount) or not is_whole(period):
        raise ValueError("not a policy")
    return {"type": kind, "value": amount, "periodSeconds": period}


def condition_to_v2(condition: Any) -> dict[str, Any]:
    """A condition, which both versions have alike. Raises ValueError."""
    if not isinstance(condition, dict):
        raise ValueError("not a condition")
    if not all(isinstance(condition.get(field) or "", str) for field in _CONDITION_TEXTS):
        raise ValueError("not a condition")
    return {field: condition[field] for field in _CONDITION_TEXTS if field in condition}
