"""One resource as served: a kind in one version, the store behind it, its schema, strategy and admission.

Several served resources may share a store (autoscaling v1 and v2); they differ by `to_stored` and `from_stored`."""

from __future__ import annotations

from collections.abc import Callable

from api.kind import Kind, Strategy
from apimachinery import errors
from apimachinery.errors import ApiError
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object
from apimachinery.schema import TypeSchema
from apiserver.registry.context import Admission
from apiserver.registry.store import ResourceStore


class Served:
    """What the verbs need to know of one resource."""

    def __init__(self, kind: Kind, store: ResourceStore, schema: TypeSchema, admission: Admission) -> None:
        self.kind = kind
        self.store = store
        self.stored_kind = store.kind
        self.schema = schema
        self.admission = admission
        ruling = kind if kind.custom else self.stored_kind
        self.strategies: dict[str, Strategy] = {"": ruling.strategy}
        for sub in ruling.subresources:
            if sub.strategy is not None:
                self.strategies[sub.name] = sub.strategy

    @property
    def group(self) -> str:
        """The API group as error texts show it."""
        return self.kind.resource.group

    def strategy(self, subresource: str) -> Strategy:
        """The strategy that a write to the object or to one of its subresources follows."""
        return self.strategies.get(subresource) or self.strategies[""]

    @property
    def from_stored(self) -> Callable[[Object], Object] | None:
        """From the stored version to this one; None: they are the same."""
        return self.kind.from_storage if self.kind.stored_as else None

    def to_stored(self, obj: Object) -> Object:
        """From this version to the stored one."""
        convert = self.kind.to_storage if self.kind.stored_as else None
        return convert(obj) if convert else obj

    def not_found(self, name: str) -> errors.NotFound:
        """The 404 in this version's words."""
        return errors.not_found(self.kind.resource.group, self.kind.resource.plural, name)

    def modified(self, name: str) -> errors.Conflict:
        """The 409 of a stale resourceVersion."""
        return errors.modified(self.kind.resource.group, self.kind.resource.plural, name)

    def conflict(self, name: str, why: str) -> errors.Conflict:
        """Another 409."""
        return errors.conflict(self.kind.resource.group, self.kind.resource.plural, name, why)

    def invalid(self, name: str, problems: list[FieldError]) -> ApiError:
        """The 422 for broken rules."""
        return errors.invalid(self.kind.resource.group, self.kind.resource.kind, name, problems)
