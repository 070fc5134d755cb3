"""How custom resources are defaulted, checked and changed, by the schema of the version they are written in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from api.apiextensions import embedded, listtypes, rules, scaling, values
from api.apiextensions.defaulting import apply_defaults, has_defaults
from api.apiextensions.inside import says
from api.apiextensions.rules import Rules
from api.kind import Strategy
from api.strategies import bump_generation, restore
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object


class CustomResourceStrategy(Strategy):
    """Objects of one version of a definition."""

    has_generation = True
    allow_unconditional_update = False
    standard_finalizers = False

    def __init__(self, schema: Mapping[str, Any], *, has_status: bool, scale: Mapping[str, Any] | None = None) -> None:
        self._schema = schema
        self._scale = scale
        self._has_status = has_status  #: whether the status is written by its subresource alone
        self._has_defaults = has_defaults(schema)
        self._embeds = says(schema, "x-kubernetes-embedded-resource")
        self._has_list_types = says(schema, "x-kubernetes-list-type")

    @cached_property
    def _rules(self) -> Rules | None:
        return Rules(self._schema, is_root=True) if rules.has_rules(self._schema) else None

    def default(self, obj: Object) -> None:
        """The schema's defaults."""
        if self._has_defaults:
            apply_defaults(obj, self._schema)

    def prepare_create(self, obj: Object) -> None:
        """The first generation; no status where that has a subresource of its own."""
        if self._has_status:
            obj.pop("status", None)
        obj["metadata"]["generation"] = 1

    def prepare_update(self, new: Object, old: Object) -> None:
        """Every change but of metadata (and of a status with a subresource) is a new generation."""
        if self._has_status:
            restore(new, old, "status")
        bump_generation(new, old, self._counted(new) != self._counted(old))

    def _counted(self, obj: Object) -> Object:
        uncounted = ("apiVersion", "metadata", "status") if self._has_status else ("apiVersion", "metadata")
        return {name: value for name, value in obj.items() if name not in uncounted}

    def validate(self, obj: Object) -> list[FieldError]:
        """Schema, scale, embedded objects, list types, and rules that ask for no old value."""
        return self._checked(obj, None, self._whole(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """As on create, with the rules about changes."""
        return self._checked(new, old, self._whole(new))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """As on update, without what only the spec says."""
        errors = values.validate(new, self._schema) + scaling.validate_status(new, self._scale)
        return self._checked(new, old, errors)

    def _whole(self, obj: Object) -> list[FieldError]:
        errors = values.validate(obj, self._schema)
        errors += scaling.validate_spec(obj, self._scale) + scaling.validate_status(obj, self._scale)
        return errors + embedded.validate(obj, self._schema) if self._embeds else errors

    def _checked(self, obj: Object, old: Object | None, errors: list[FieldError]) -> list[FieldError]:
        """These errors, and those of lists and rules. Lists that held something twice before may go on to."""
        found = listtypes.validate(obj, self._schema) if self._has_list_types else []
        if found and (old is None or not listtypes.validate(old, self._schema)):
            errors += found
        if self._rules is None:
            return errors
        blocking = rules.blocked(errors)
        if blocking is not None:
            return [*errors, blocking]
        return errors + (self._rules.validate(obj) if old is None else self._rules.validate(obj, old))


class CustomStatusStrategy(Strategy):
    """The status subresource: nothing but the status is written."""

    has_generation = True
    allow_unconditional_update = False
    standard_finalizers = False

    def __init__(self, parent: CustomResourceStrategy) -> None:
        self._parent = parent

    def default(self, obj: Object) -> None:
        """The object's own defaults."""
        self._parent.default(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Everything but the status, and who owns its fields, stays as it was."""
        managed, version = new["metadata"].get("managedFields"), new["metadata"].get("resourceVersion")
        for field in set(new) | set(old):
            if field not in ("apiVersion", "kind", "status"):
                restore(new, old, field)
        new["metadata"] = {**old["metadata"], "resourceVersion": version}
        if managed:
            new["metadata"]["managedFields"] = managed
        else:
            new["metadata"].pop("managedFields", None)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The whole object must still fit."""
        return self._parent.validate_status_update(new, old)
