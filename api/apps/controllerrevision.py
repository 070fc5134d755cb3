"""ControllerRevisions: rules, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.kind import Column, Strategy
from api.table import AGE, NAME, NONE, age
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, controller_of

COLUMNS = (
    NAME,
    Column(name="Controller", description="The object whose history this belongs to."),
    Column(name="Revision", description="Its number in that history."),
    AGE,
)


class ControllerRevisionStrategy(Strategy):
    """A remembered state of a StatefulSet or DaemonSet."""

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateControllerRevision."""
        errors = [] if obj.get("data") is not None else [fe.required("data", "data is mandatory")]
        if (obj.get("revision") or 0) < 0:
            errors += [fe.invalid("revision", obj["revision"], "must be greater than or equal to 0")]
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateControllerRevisionUpdate: the data stays."""
        errors = self.validate(new)
        if new.get("data") != old.get("data"):
            errors.append(fe.invalid("data", new.get("data"), FIELD_IMMUTABLE))
        return errors


def cells(revision: Object, now: datetime) -> list[Any]:
    """One row."""
    owner, shown = controller_of(revision), NONE
    if owner is not None:
        group = (owner.get("apiVersion") or "").rpartition("/")[0]
        kind = (owner.get("kind") or "").lower()
        shown = f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"
    return [revision["metadata"].get("name"), shown, revision.get("revision") or 0, age(revision, now)]


CONTROLLER_REVISION = ControllerRevisionStrategy()
