"""Strategies that many kinds share: objects with a spec and a status, and their status subresource.

Pure. A kind's own strategy derives from one of these and adds its defaults and its rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.kind import Strategy
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, deep_copy

#: What of metadata the status of most newer kinds may not change (metav1.ResetObjectMetaForStatus).
STATUS_METADATA = ("deletionTimestamp", "generation", "labels", "annotations", "finalizers", "ownerReferences")


def bump_generation(new: Object, old: Object, changed: bool) -> None:
    """metadata.generation of `new`: one more than the old where what users ask for changed."""
    generation = (old["metadata"].get("generation") or 0) + (1 if changed else 0)
    if generation:
        new["metadata"]["generation"] = generation
    else:
        new["metadata"].pop("generation", None)


def asks_for_something_new(new: Object, old: Object | None) -> bool:
    """Whether this write makes the object or a new generation of it: other updates warn of nothing in the spec."""
    return old is None or new["metadata"].get("generation") != old["metadata"].get("generation")


def restore(new: Object, old: Object, field: str) -> None:
    """Give `new` the old object's field, whatever this write says of it."""
    if field in old:
        new[field] = old[field]
    else:
        new.pop(field, None)


class GenerationStrategy(Strategy):
    """An object whose generation counts every change outside metadata, with no status (policies, configurations)."""

    has_generation = True

    def prepare_create(self, obj: Object) -> None:
        """The first generation is 1."""
        obj["metadata"]["generation"] = 1

    def prepare_update(self, new: Object, old: Object) -> None:
        """A changed body is a new generation."""
        bump_generation(new, old, _body(new) != _body(old))


class StatusStrategyBase(Strategy):
    """An object with a status that only the status subresource writes."""

    #: What an object's status is before anybody wrote it; None: no status field at all.
    empty_status: Mapping[str, Any] | None = {}

    def prepare_create(self, obj: Object) -> None:
        """Whatever the creator says of the status is dropped."""
        if self.empty_status is None:
            obj.pop("status", None)
        else:
            obj["status"] = deep_copy(dict(self.empty_status))
        if self.has_generation:
            obj["metadata"]["generation"] = 1

    def prepare_update(self, new: Object, old: Object) -> None:
        """The status stays; a changed spec is a new generation."""
        restore(new, old, "status")
        if self.has_generation:
            bump_generation(new, old, new.get("spec") != old.get("spec"))


class SpecStrategy(StatusStrategyBase):
    """An object with spec, status and generation, as workloads are."""

    has_generation = True


class StatusStrategy(Strategy):
    """The status subresource of a kind: of the whole object only status and metadata are written."""

    def __init__(self, parent: Strategy, *, keep_metadata: tuple[str, ...] = ()) -> None:
        """`keep_metadata`: metadata fields that a status write may not change ("labels", "deletionTimestamp")."""
        self.parent = parent
        self.keep_metadata = keep_metadata
        self.has_generation = parent.has_generation
        self.allow_unconditional_update = parent.allow_unconditional_update
        self.standard_finalizers = parent.standard_finalizers

    def default(self, obj: Object) -> None:
        """The object's own defaults."""
        self.parent.default(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Everything outside metadata and status stays as it was."""
        for field in set(new) | set(old):
            if field not in ("apiVersion", "kind", "metadata", "status"):
                restore(new, old, field)
        for field in self.keep_metadata:
            restore(new["metadata"], old["metadata"], field)
        bump_generation(new, old, False)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """By default a status may say anything."""
        return []

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """The parent's."""
        return self.parent.name_rule(name, prefix)


def _body(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status", "apiVersion", "kind")}
