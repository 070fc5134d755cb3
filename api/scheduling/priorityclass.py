"""PriorityClasses: defaults, rules, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.kind import Column
from api.strategies import GenerationStrategy, bump_generation
from api.table import AGE, NAME, age
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of

COLUMNS = (
    NAME,
    Column(name="Value", type="integer", description="The priority."),
    Column(name="Global-Default", type="boolean", description="Whether pods without a class have this one."),
    AGE,
)
#: The largest priority that users may define; above are the system's own.
HIGHEST_USER_PRIORITY = 1_000_000_000
#: The system's classes and their priorities.
SYSTEM_CLASSES = {
    "system-node-critical": 2 * HIGHEST_USER_PRIORITY + 1000,
    "system-cluster-critical": 2 * HIGHEST_USER_PRIORITY,
}
_POLICIES = ("PreemptLowerPriority", "Never")
_FIXED = "may not be changed in an update."


class PriorityClassStrategy(GenerationStrategy):
    """A named priority."""

    def default(self, obj: Object) -> None:
        """Pods of the class may push others out."""
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def prepare_update(self, new: Object, old: Object) -> None:
        """The generation stays the first: nothing of importance ever changes."""
        bump_generation(new, old, changed=False)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePriorityClass."""
        errors: list[FieldError] = []
        name, value = name_of(obj), obj.get("value") or 0
        if name.startswith("system-"):
            if problem := _system_problem(obj, name, value):
                text = "priority class names with 'system-' prefix are reserved for system use only. error: "
                errors.append(fe.forbidden("metadata.name", text + problem))
        elif value > HIGHEST_USER_PRIORITY:
            text = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
            errors.append(fe.forbidden("value", text))
        policy = obj.get("preemptionPolicy")
        if policy is not None and policy not in _POLICIES:
            field = "preemptionPolicy"
            errors.append(fe.not_supported(field, policy, _POLICIES) if policy else fe.required(field))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePriorityClassUpdate: nothing of importance changes."""
        errors: list[FieldError] = []
        if (new.get("value") or 0) != (old.get("value") or 0):
            errors.append(fe.forbidden("value", _FIXED))
        if new.get("preemptionPolicy") != old.get("preemptionPolicy"):
            errors.append(fe.invalid("preemptionPolicy", new.get("preemptionPolicy"), FIELD_IMMUTABLE))
        return errors


def _system_problem(obj: Object, name: str, value: int) -> str:
    if name not in SYSTEM_CLASSES:
        return f"{name} is not a known system priority class"
    if value != SYSTEM_CLASSES[name]:
        return f"value of {name} PriorityClass must be {SYSTEM_CLASSES[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if obj.get("globalDefault") else ""


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    return [obj["metadata"].get("name"), obj.get("value") or 0, bool(obj.get("globalDefault")), age(obj, now)]


PRIORITY_CLASS = PriorityClassStrategy()
