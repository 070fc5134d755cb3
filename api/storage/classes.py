"""StorageClasses: defaults, rules, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.kind import Column, Strategy
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.nodelabels import OLD_NODE_LABELS
from api.validation.objectmeta import FIELD_IMMUTABLE, validate_label_name
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of

COLUMNS = (
    NAME,
    Column(name="Provisioner", description="What makes the volumes."),
    Column(name="ReclaimPolicy", description="What becomes of volumes when their claims are gone."),
    Column(name="VolumeBindingMode", description="When volumes are made."),
    Column(name="AllowVolumeExpansion", description="Whether volumes can grow."),
    AGE,
)
_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_RECLAIM = ("Delete", "Retain")
_BINDING = ("Immediate", "WaitForFirstConsumer")
_MAX_PARAMETERS, _MAX_PARAMETERS_SIZE = 512, 256 * 1024


class StorageClassStrategy(Strategy):
    """A class of volumes."""

    def default(self, obj: Object) -> None:
        """Volumes are made at once and deleted with their claims."""
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateStorageClass."""
        errors = _validate_provisioner(obj.get("provisioner") or "")
        errors += _validate_parameters(obj.get("parameters") or {})
        policy = obj.get("reclaimPolicy")
        if policy and policy not in _RECLAIM:
            errors.append(fe.not_supported("reclaimPolicy", policy, _RECLAIM))
        mode = obj.get("volumeBindingMode")
        if mode is None:
            errors.append(fe.required("volumeBindingMode"))
        elif mode not in _BINDING:
            errors.append(fe.not_supported("volumeBindingMode", mode, _BINDING))
        return errors + _validate_topologies(obj.get("allowedTopologies") or ())

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateStorageClassUpdate: what volumes are like stays."""
        errors = self.validate(new)
        for field in ("parameters", "provisioner", "reclaimPolicy"):
            if (new.get(field) or None) != (old.get(field) or None):
                errors.append(fe.forbidden(field, f"updates to {field} are forbidden."))
        if new.get("volumeBindingMode") != old.get("volumeBindingMode"):
            errors.append(fe.invalid("volumeBindingMode", new.get("volumeBindingMode"), FIELD_IMMUTABLE))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Topologies that go by old labels of nodes."""
        return [
            f"allowedTopologies[{index}].matchLabelExpressions[{i}].key: {text}"
            for index, term in enumerate(obj.get("allowedTopologies") or ())
            for i, expression in enumerate(term.get("matchLabelExpressions") or ())
            if (text := OLD_NODE_LABELS.get(expression.get("key") or ""))
        ]


def _validate_provisioner(provisioner: str) -> list[FieldError]:
    if not provisioner:
        return [fe.required("provisioner")]
    lowered = provisioner.lower()
    return [fe.invalid("provisioner", lowered, text) for text in names.qualified_name(lowered)]


def _validate_parameters(parameters: Mapping[str, str]) -> list[FieldError]:
    if len(parameters) > _MAX_PARAMETERS:
        return [fe.too_long("parameters", "Provisioner Parameters exceeded max allowed", _MAX_PARAMETERS)]
    errors = []
    if "" in parameters:
        errors.append(fe.invalid("parameters", "", "field can not be empty."))
    if sum(len(key) + len(value) for key, value in parameters.items()) > _MAX_PARAMETERS_SIZE:
        errors.append(fe.too_long("parameters", "", _MAX_PARAMETERS_SIZE))
    return errors


def _validate_topologies(topologies: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    errors: list[FieldError] = []
    # The reference also compares each term with as many empty ones: a term without expressions is refused.
    wanted: list[dict[str, set[str]]] = [{} for _ in topologies]
    for index, term in enumerate(topologies):
        path = f"allowedTopologies[{index}].matchLabelExpressions"
        found: dict[str, set[str]] = {}
        for i, expression in enumerate(term.get("matchLabelExpressions") or ()):
            here, key, values = f"{path}[{i}]", expression.get("key") or "", expression.get("values") or []
            if not values:
                errors.append(fe.required(f"{here}.values"))
            errors += [fe.duplicate(f"{here}.values[{n}]", v) for n, v in enumerate(values) if v in values[:n]]
            errors += validate_label_name(key, f"{here}.key")
            if key in found:
                errors.append(fe.duplicate(f"{here}.key", key))
            found[key] = set(values)
        errors += [fe.duplicate(path, "") for earlier in wanted if earlier == found]
        wanted.append(found)
    return errors


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row; the default class says so."""
    annotations = annotations_of(obj)
    default = any(annotations.get(key) == "true" for key in _DEFAULT_CLASS)
    return [
        f"{obj['metadata'].get('name')}{' (default)' if default else ''}",
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


STORAGE_CLASS = StorageClassStrategy()
