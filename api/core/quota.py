"""LimitRanges and ResourceQuotas: rules, status, tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.resourcenames import (
    is_overcommit_allowed,
    is_standard_quota_resource,
    validate_container_resource_name,
    validate_quantity_value,
    validate_quota_resource_name,
    validate_resource_name,
)
from api.core.rounding import round_up_each
from api.gosyntax import named_strings, quantity_value, raw, scope_list, string_list, struct, typed_list
from api.kind import Column, Strategy
from api.strategies import StatusStrategy, StatusStrategyBase
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery import quantity
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object
from apimachinery.uids import new_uid

LIMIT_RANGE_COLUMNS = (NAME, Column(name="Created At", type="date", description="When it was created."))
QUOTA_COLUMNS = (
    NAME,
    AGE,
    Column(name="Request", description="How much of each requested resource is used, and the most there may be."),
    Column(name="Limit", description="How much of each limited resource is used, and the most there may be."),
)
_LIMIT_TYPES = ("Container", "PersistentVolumeClaim", "Pod")
_POD_SCOPES = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass",
               "Terminating")  # fmt: skip
_BARE_SCOPES = tuple(scope for scope in _POD_SCOPES if scope != "PriorityClass")
_COMPUTE = frozenset({"pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_BARE_TEXT = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


class LimitRangeStrategy(Strategy):
    """A LimitRange; a PUT makes one that is not there."""

    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """A container's default limit is the maximum, its default request the default limit, else the minimum."""
        for item in (obj.get("spec") or {}).get("limits") or ():
            round_up_each(item, "max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
            if item.get("type") != "Container":
                continue
            limits = {**(item.get("max") or {}), **(item.get("default") or {})}
            requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
            if limits:
                item["default"] = limits
            if requests:
                item["defaultRequest"] = requests

    def prepare_create(self, obj: Object) -> None:
        """One without a name gets one."""
        super().prepare_create(obj)
        if not obj["metadata"].get("name"):
            obj["metadata"]["name"] = new_uid()

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateLimitRange."""
        errors: list[FieldError] = []
        seen: set[str] = set()
        for index, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
            here, kind = f"spec.limits[{index}]", item.get("type") or ""
            errors += _validate_limit_type(kind, f"{here}.type")
            if kind in seen:
                errors.append(fe.duplicate(f"{here}.type", kind))
            seen.add(kind)
            _validate_limits(item, kind, here, errors)
        return errors


def _validate_limit_type(kind: str, path: str) -> list[FieldError]:
    errors = [fe.invalid(path, kind, text) for text in names.qualified_name(kind)]
    if not errors and "/" not in kind and kind not in _LIMIT_TYPES:
        errors.append(fe.invalid(path, kind, "must be a standard limit type or fully qualified"))
    return errors


def _validate_limits(item: Mapping[str, Any], kind: str, path: str, errors: list[FieldError]) -> None:
    fields = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]
    if kind == "Pod":
        for field in ("default", "defaultRequest"):
            fields.remove(field)
            if item.get(field):
                errors.append(fe.forbidden(f"{path}.{field}", "may not be specified when `type` is 'Pod'"))
    rule = validate_container_resource_name if kind in ("Pod", "Container") else validate_resource_name
    amounts: dict[str, dict[str, quantity.Quantity]] = {}
    for field in fields:
        for name, text in (item.get(field) or {}).items():
            errors += rule(name, f"{path}.{field}[{name}]")
            amounts.setdefault(name, {})[field] = quantity.parse(text)
    if kind == "PersistentVolumeClaim" and not any("storage" in (item.get(f) or {}) for f in ("min", "max")):
        text = "either minimum or maximum storage value is required, but neither was provided"
        errors.append(fe.required(f"{path}.limits", text))
    for name, given in amounts.items():
        _compare_limits(name, given, path, errors)


#: (smaller, its name, larger, its name, the field to blame, the value to show)
_ORDER = (
    ("min", "min value", "max", "max value", "min", "min"),
    ("min", "min value", "defaultRequest", "default request value", "defaultRequest", "defaultRequest"),
    ("defaultRequest", "default request value", "max", "max value", "defaultRequest", "defaultRequest"),
    ("defaultRequest", "default request value", "default", "default limit value", "defaultRequest", "defaultRequest"),
    ("min", "min value", "default", "default value", "default", "min"),
    ("default", "default value", "max", "max value", "default", "max"),
)


def _compare_limits(name: str, given: Mapping[str, quantity.Quantity], path: str, errors: list[FieldError]) -> None:
    for low, low_name, high, high_name, field, shown in _ORDER:
        if low in given and high in given and given[low] > given[high]:
            text = f"{low_name} {given[low]} is greater than {high_name} {given[high]}"
            errors.append(fe.invalid(f"{path}.{field}[{name}]", quantity_value(given[shown]), text))
    ratio = given.get("maxLimitRequestRatio")
    if ratio is not None:
        field = f"{path}.maxLimitRequestRatio[{name}]"
        if ratio < quantity.from_value(1):
            errors.append(fe.invalid(field, quantity_value(ratio), f"ratio {ratio} is less than 1"))
        low_value, high_value = given.get("min"), given.get("max")
        if low_value and high_value and ratio.nanos * low_value.nanos > high_value.nanos * 10**9:
            most = high_value.nanos / low_value.nanos
            errors.append(fe.invalid(field, quantity_value(ratio), f"ratio {ratio} is greater than max/min = {most:f}"))
    limit, request = given.get("default"), given.get("defaultRequest")
    if limit is not None and request is not None and limit != request and not is_overcommit_allowed(name):
        text = f"default value {limit} must equal to defaultRequest value {request} in {name}"
        errors.append(fe.invalid(f"{path}.defaultRequest[{name}]", quantity_value(request), text))


class ResourceQuotaStrategy(StatusStrategyBase):
    """A ResourceQuota."""

    def default(self, obj: Object) -> None:
        """Amounts are no finer than a thousandth."""
        round_up_each(obj.get("spec"), "hard")
        round_up_each(obj.get("status"), "hard", "used")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateResourceQuota."""
        spec = obj.get("spec") or {}
        hard: Mapping[str, str] = spec.get("hard") or {}
        errors = _validate_amounts(hard, "spec.hard")
        scopes = spec.get("scopes") or []
        shown = raw(scope_list(scopes))
        for scope in scopes:
            if scope not in _POD_SCOPES:
                errors.append(fe.invalid("spec.scopes", shown, "unsupported scope"))
            errors += [
                fe.invalid("spec.scopes", shown, "unsupported scope applied to resource")
                for name in sorted(hard)
                if is_standard_quota_resource(name) and not _applies(scope, name)
            ]
        errors += [fe.invalid("spec.scopes", shown, "conflicting scopes") for pair in _CONFLICTS if pair <= set(scopes)]
        if (selector := spec.get("scopeSelector")) is not None:
            errors += _validate_selector(selector, hard, "spec.scopeSelector.matchExpressions")
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateResourceQuotaUpdate."""
        errors = self.validate(new)
        after, before = ((o.get("spec") or {}).get("scopes") or [] for o in (new, old))
        if set(after) != set(before):
            errors.append(fe.invalid("spec.scopes", raw(scope_list(after)), FIELD_IMMUTABLE))
        return errors


def _validate_amounts(amounts: Mapping[str, str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, text in amounts.items():
        errors += validate_quota_resource_name(name, f"{path}[{name}]")
        errors += validate_quantity_value(name, text, f"{path}[{name}]")
    return errors


def _applies(scope: str, name: str) -> bool:
    if scope == "BestEffort":
        return name == "pods"
    if scope in _POD_SCOPES:
        return name in _COMPUTE or "ephemeral-storage" in name
    return True


def _selector_value(selector: Mapping[str, Any]) -> fe.GoSyntax:
    requirements = [
        struct(
            "core.ScopedResourceSelectorRequirement",
            ScopeName=fe.go_quote(expression.get("scopeName") or ""),
            Operator=fe.go_quote(expression.get("operator") or ""),
            Values=named_strings("string", expression.get("values") or None),
        )
        for expression in selector.get("matchExpressions") or ()
    ]
    shown = typed_list("core.ScopedResourceSelectorRequirement", requirements or None)
    return struct("core.ScopeSelector", MatchExpressions=shown)


def _validate_selector(selector: Mapping[str, Any], hard: Mapping[str, str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    expressions: Sequence[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    for expression in expressions:
        scope, operator = expression.get("scopeName") or "", expression.get("operator") or ""
        values = expression.get("values") or []
        if scope not in _POD_SCOPES:
            errors.append(fe.invalid(f"{path}.scopeName", scope, "unsupported scope"))
        errors += [
            fe.invalid(path, _selector_value(selector), "unsupported scope applied to resource")
            for name in sorted(hard)
            if is_standard_quota_resource(name) and not _applies(scope, name)
        ]
        if scope in _BARE_SCOPES and operator != "Exists":
            errors.append(fe.invalid(f"{path}.operator", operator, _BARE_TEXT))
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                errors.append(fe.required(f"{path}.values", text))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                errors.append(fe.invalid(f"{path}.values", raw(string_list(values)), text))
        else:
            errors.append(fe.invalid(f"{path}.operator", operator, "not a valid selector operator"))
    scopes = {expression.get("scopeName") for expression in expressions}
    shown = raw(scope_list(()))
    return errors + [fe.invalid(path, shown, "conflicting scopes") for pair in _CONFLICTS if pair <= scopes]


class ResourceQuotaStatusStrategy(StatusStrategy):
    """resourcequotas/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateResourceQuotaStatusUpdate."""
        status = new.get("status") or {}
        errors = _validate_amounts(status.get("hard") or {}, "status.hard")
        return errors + _validate_amounts(status.get("used") or {}, "status.used")


def limit_range_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of LimitRanges."""
    return [obj["metadata"].get("name"), obj["metadata"].get("creationTimestamp")]


def quota_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of ResourceQuotas."""
    status = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(hard):
        text = f"{name}: {used.get(name, '0')}/{hard[name]}"
        (limits if "limit" in name else requests).append(text)
    return [obj["metadata"].get("name"), age(obj, now), ", ".join(requests), ", ".join(limits)]


LIMIT_RANGE = LimitRangeStrategy()
RESOURCE_QUOTA = ResourceQuotaStrategy()
RESOURCE_QUOTA_STATUS = ResourceQuotaStatusStrategy(RESOURCE_QUOTA)
