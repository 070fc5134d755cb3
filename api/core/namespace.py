"""Namespaces: the finalizer that holds them until they are empty, phases, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase, restore
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.objectmeta import validate_kube_finalizer
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (NAME, Column(name="Status", description="Active, or terminating."), AGE)
FINALIZER = "kubernetes"
#: The label by which selectors choose a namespace by its name.
NAME_LABEL = "kubernetes.io/metadata.name"


class NamespaceStrategy(StatusStrategyBase):
    """The namespace itself."""

    checks_metadata_anew = True

    empty_status: Mapping[str, Any] = {"phase": "Active"}

    def default(self, obj: Object) -> None:
        """Every namespace is labelled with its own name, and active unless it says otherwise."""
        obj.setdefault("spec", {})
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Active"
        name = obj["metadata"].get("name")
        if name:
            obj["metadata"].setdefault("labels", {})[NAME_LABEL] = name

    def prepare_create(self, obj: Object) -> None:
        """Active, and held by the namespace controller's finalizer."""
        super().prepare_create(obj)
        self.default(obj)
        finalizers = obj["spec"].get("finalizers") or []
        if FINALIZER not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, FINALIZER]

    def prepare_update(self, new: Object, old: Object) -> None:
        """Finalizers change only through the finalize subresource."""
        restore(new, old, "status")
        spec = new.setdefault("spec", {})
        restore(spec, old.get("spec") or {}, "finalizers")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateNamespace."""
        errors: list[FieldError] = []
        for finalizer in obj["spec"].get("finalizers") or ():
            errors += _validate_finalizer(finalizer, "spec.finalizers")
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Nothing beyond metadata."""
        return []

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """A DNS label."""
        return names.dns1123_label(name, prefix)


def _validate_finalizer(finalizer: str, path: str) -> list[FieldError]:
    errors = [fe.invalid(path, finalizer, text) for text in names.qualified_name(finalizer)]
    return errors + validate_kube_finalizer(finalizer, path)


class NamespaceStatusStrategy(StatusStrategy):
    """namespaces/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateNamespaceStatusUpdate."""
        phase = (new.get("status") or {}).get("phase") or ""
        if not new["metadata"].get("deletionTimestamp"):
            if phase != "Active":
                text = "may only be 'Active' if `deletionTimestamp` is empty"
                return [fe.invalid("status.Phase", phase, text)]
        elif phase != "Terminating":
            text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
            return [fe.invalid("status.Phase", phase, text)]
        return []


class NamespaceFinalizeStrategy(StatusStrategy):
    """namespaces/finalize, the only way to take a finalizer out of spec.finalizers."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """The status stays; as in the reference, metadata is the writer's too."""
        restore(new, old, "status")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateNamespaceFinalizeUpdate."""
        errors: list[FieldError] = []
        for index, finalizer in enumerate((new.get("spec") or {}).get("finalizers") or ()):
            errors += _validate_finalizer(finalizer, f"spec.finalizers[{index}]")
        return errors


def _phase(namespace: Object) -> str:
    return (namespace.get("status") or {}).get("phase") or ""


def cells(namespace: Object, now: datetime) -> list[Any]:
    """One row."""
    return [namespace["metadata"].get("name"), _phase(namespace), age(namespace, now)]


SELECTABLE = {"status.phase": _phase, "name": lambda namespace: namespace["metadata"].get("name") or ""}
NAMESPACE = NamespaceStrategy()
NAMESPACE_STATUS = NamespaceStatusStrategy(NAMESPACE)
NAMESPACE_FINALIZE = NamespaceFinalizeStrategy(NAMESPACE)
