"""RuntimeClasses: defaults, rules, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.core.pod.affinity import toleration_value, validate_tolerations
from api.core.resourcenames import validate_requirements
from api.kind import Column, Strategy
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.nodelabels import OLD_NODE_LABELS
from api.validation.objectmeta import FIELD_IMMUTABLE, validate_labels
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (NAME, Column(name="Handler", description="What the container runtime calls it."), AGE)

#: What makes two tolerations the same one.
_TOLERATION_KEY = ("key", "operator", "value", "effect")


class RuntimeClassStrategy(Strategy):
    """A way of running containers."""

    allow_create_on_update = True
    allow_unconditional_update = False

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateRuntimeClass."""
        handler = obj.get("handler") or ""
        errors = [fe.invalid("handler", handler, text) for text in names.dns1123_label(handler)]
        if fixed := (obj.get("overhead") or {}).get("podFixed"):
            errors += validate_requirements({"limits": fixed}, "overhead")
        if (scheduling := obj.get("scheduling")) is not None:
            errors += validate_labels(scheduling.get("nodeSelector") or {}, "scheduling.nodeSelector")
            tolerations = scheduling.get("tolerations") or []
            # The reference names the list twice in the paths of what is wrong with its items.
            validate_tolerations(tolerations, "scheduling.tolerations.tolerations", errors)
            keys = [tuple(toleration.get(field) or "" for field in _TOLERATION_KEY) for toleration in tolerations]
            for index, toleration in enumerate(tolerations):
                if keys[index] in keys[:index]:
                    errors.append(fe.duplicate(f"scheduling.tolerations[{index}]", toleration_value(toleration)))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateRuntimeClass and ValidateRuntimeClassUpdate: the handler stays."""
        errors = self.validate(new)
        if new.get("handler") != old.get("handler"):
            errors.append(fe.invalid("handler", new.get("handler") or "", FIELD_IMMUTABLE))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Selecting nodes by their old labels."""
        selector = (obj.get("scheduling") or {}).get("nodeSelector") or {}
        return [f"scheduling.nodeSelector: {text}" for key in selector if (text := OLD_NODE_LABELS.get(key))]


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    return [obj["metadata"].get("name"), obj.get("handler") or "", age(obj, now)]


RUNTIME_CLASS = RuntimeClassStrategy()
