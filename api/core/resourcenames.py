"""Names and amounts of compute resources: what may stand in requests, limits, quotas and capacities.

Pure (k8s.io/kubernetes/pkg/apis/core/helper and validation)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from api.gosyntax import quantity_value
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery import quantity
from apimachinery.fielderrors import FieldError

HUGE_PAGES = "hugepages-"
QUOTA_HUGE_PAGES = "requests.hugepages-"

_CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
_COUNTED = frozenset(
    {
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    }
)  # fmt: skip
_QUOTA = (
    _CONTAINER
    | _COUNTED
    | {f"requests.{name}" for name in ("cpu", "memory", "storage", "ephemeral-storage")}
    | {f"limits.{name}" for name in ("cpu", "memory", "ephemeral-storage")}
)
_STANDARD = _QUOTA | {"storage"}

NOT_NEGATIVE = "must be greater than or equal to 0"
NOT_INTEGER = "must be an integer"
NOT_POSITIVE = "must be greater than zero"


def is_huge_page(name: str) -> bool:
    """hugepages-2Mi and the like."""
    return name.startswith(HUGE_PAGES)


def is_standard_quota_resource(name: str) -> bool:
    """A resource that quotas know by a short name."""
    return name in _QUOTA or name.startswith((HUGE_PAGES, QUOTA_HUGE_PAGES))


def is_native(name: str) -> bool:
    """Kubernetes' own resource: no domain, or one of kubernetes.io."""
    return "/" not in name or "kubernetes.io/" in name


@lru_cache(maxsize=1024)
def is_extended(name: str) -> bool:
    """A resource of somebody's domain, counted in whole units."""
    return not is_native(name) and not name.startswith("requests.") and not names.qualified_name(f"requests.{name}")


def is_overcommit_allowed(name: str) -> bool:
    """Whether requests may be below limits."""
    return is_native(name) and not is_huge_page(name)


def is_integer_resource(name: str) -> bool:
    """A resource counted in whole units."""
    return name in _COUNTED or is_extended(name)


def _validate_name(name: str, path: str) -> list[FieldError]:
    errors = [fe.invalid(path, name, text) for text in names.qualified_name(name)]
    standard = name in _STANDARD or name.startswith((HUGE_PAGES, QUOTA_HUGE_PAGES))
    if not errors and "/" not in name and not standard:
        errors.append(fe.invalid(path, name, "must be a standard resource type or fully qualified"))
    return errors


def validate_resource_name(name: str, path: str) -> list[FieldError]:
    """Any resource's name."""
    return _validate_name(name, path)


def validate_container_resource_name(name: str, path: str) -> list[FieldError]:
    """The name of a resource that a container can ask for."""
    if name in _CONTAINER:
        return []
    errors = _validate_name(name, path)
    if "/" not in name:
        if not is_huge_page(name):
            errors.append(fe.invalid(path, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        errors.append(fe.invalid(path, name, "doesn't follow extended resource name standard"))
    return errors


def validate_quota_resource_name(name: str, path: str) -> list[FieldError]:
    """The name of a resource that a quota can limit."""
    errors = _validate_name(name, path)
    if "/" not in name and not is_standard_quota_resource(name):
        errors.append(fe.invalid(path, name, "must be a standard resource for quota"))
    return errors


def validate_nonnegative_quantity(text: str, path: str) -> list[FieldError]:
    """An amount of at least nothing."""
    value = quantity.parse(text)
    return [fe.invalid(path, str(value), NOT_NEGATIVE)] if value.nanos < 0 else []


def validate_positive_quantity(text: str, path: str) -> list[FieldError]:
    """An amount of more than nothing."""
    value = quantity.parse(text)
    return [fe.invalid(path, str(value), NOT_POSITIVE)] if value.nanos <= 0 else []


def validate_quantity_value(name: str, text: str, path: str) -> list[FieldError]:
    """An amount that is not negative, and whole where the resource is counted."""
    value = quantity.parse(text)
    errors = []
    if value.nanos < 0:
        errors.append(fe.invalid(path, str(value), NOT_NEGATIVE))
    if is_integer_resource(name) and value.milli_value() % 1000:
        errors.append(fe.invalid(path, quantity_value(value), NOT_INTEGER))
    return errors


def validate_basic_resource(text: str, path: str) -> list[FieldError]:
    """A capacity of at least nothing."""
    value = quantity.parse(text).value()
    return [fe.invalid(path, value, "must be a valid resource quantity")] if value < 0 else []


def _huge_page_problem(name: str, value: quantity.Quantity) -> str:
    try:
        page = quantity.parse(name[len(HUGE_PAGES) :])
    except ValueError:
        page = quantity.parse("0")
    divisible = page.nanos > 0 and not page.milli_value() % 1000 and not value.value() % page.value()
    return "" if divisible else f"{value} is not positive integer multiple of {name}"


def _validate_amounts(amounts: Mapping[str, str], path: str, errors: list[FieldError]) -> None:
    for name, text in amounts.items():
        if name in _CONTAINER and not text.startswith("-"):
            continue
        here = f"{path}[{name}]"
        errors += validate_container_resource_name(name, here)
        errors += validate_quantity_value(name, text, here)
        if is_huge_page(name):
            value = quantity.parse(text)
            if problem := _huge_page_problem(name, value):
                errors.append(fe.invalid(here, str(value), problem))


def validate_requirements(
    requirements: Mapping[str, Any], path: str, claims: frozenset[str] = frozenset()
) -> list[FieldError]:
    """requests, limits and claims of a container; `claims` are the names in the pod's resourceClaims."""
    if not requirements:
        return []
    errors: list[FieldError] = []
    limits: Mapping[str, str] = requirements.get("limits") or {}
    requests: Mapping[str, str] = requirements.get("requests") or {}
    _validate_amounts(limits, f"{path}.limits", errors)
    _validate_amounts(requests, f"{path}.requests", errors)
    for name, text in requests.items():
        if name in limits:
            _compare(name, text, limits[name], f"{path}.requests", errors)
        elif not is_overcommit_allowed(name):
            errors.append(fe.required(f"{path}.limits", "Limit must be set for non overcommitable resources"))
    asked = {*limits, *requests}
    if not asked <= _CONTAINER and any(map(is_huge_page, asked)) and not asked & {"cpu", "memory"}:
        errors.append(fe.forbidden(path, "HugePages require cpu or memory"))
    if used := requirements.get("claims"):
        _validate_claims(used, claims, f"{path}.claims", errors)
    return errors


def _compare(name: str, request: str, limit: str, path: str, errors: list[FieldError]) -> None:
    if request == limit:
        return
    wanted, most = quantity.parse(request), quantity.parse(limit)
    if wanted != most and not is_overcommit_allowed(name):
        errors.append(fe.invalid(path, str(wanted), f"must be equal to {name} limit of {most}"))
    elif wanted > most:
        errors.append(fe.invalid(path, str(wanted), f"must be less than or equal to {name} limit of {most}"))


def _validate_claims(used: list[dict[str, Any]], claims: frozenset[str], path: str, errors: list[FieldError]) -> None:
    seen: set[str] = set()
    for index, claim in enumerate(used):
        here, name = f"{path}[{index}]", claim.get("name") or ""
        if not name:
            errors.append(fe.required(here))
            continue
        if name in seen:
            errors.append(fe.duplicate(here, name))
        seen.add(name)
        if name not in claims:
            known = f": {', '.join(sorted(claims))}" if claims else " which is empty"
            text = f"{fe.not_found(here, name).text}: must be one of the names in pod.spec.resourceClaims{known}"
            errors.append(FieldError("FieldValueNotFound", here, text))
