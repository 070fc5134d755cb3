"""Who owns the replicas: managedFields of an object as its Scale shows them, and back. Pure.

(k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go.) Of an entry the Scale shows whether it owns the replicas,
wherever the object's version has them; who writes the Scale takes them from the others. Who has them by the Scale alone
has no time: the reference keeps the times of the object's own entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apimachinery.fieldmanager import entries, fieldset
from apimachinery.fieldmanager.entries import UPDATE, Entry, Managed, Manager
from apimachinery.fieldmanager.fieldset import LEAF, FieldSet
from apimachinery.objects import Object
from apiserver.registry.served import Served

SCALE_VERSION: Final = "autoscaling/v1"
_REPLICAS: Final = ("spec", "replicas")


@dataclass(frozen=True, slots=True)
class ScaleOwners:
    """Between the entries of an object and those of its Scale."""

    version: str  #: of the object, as it is asked for
    paths: Mapping[str, Sequence[str]]  #: where each version of the object has its replicas; empty: nowhere

    def shown(self, managed: Any) -> list[Object]:
        """managedFields of the Scale, of the object's."""
        owned = _path(_REPLICAS)
        owners = {
            _moved(who, SCALE_VERSION): Entry(owned, SCALE_VERSION, entry.time)
            for who, entry in (entries.read(managed) or {}).items()
            if self._of(entry)
        }
        return entries.write(owners)

    def taken(self, managed: Any, of_scale: Any) -> list[Object]:
        """managedFields of the object, of its own and what became of the Scale's."""
        owners = {_moved(who, self.version) for who in entries.read(of_scale) or ()}
        out: Managed = {}
        for who, entry in (entries.read(managed) or {}).items():
            owned, still = self._of(entry), _moved(who, self.version)
            if not owned or still in owners:
                out[who] = entry
                owners -= {still} if owned else set()
            elif rest := fieldset.difference(entry.fields, owned):
                out[who] = entry.with_fields(rest)
        for who in owners:
            out[who] = Entry(_path(self.paths[self.version]), self.version)
        return entries.write(out)

    def _of(self, entry: Entry) -> FieldSet:
        """The replicas, if they are among the entry's fields."""
        path = self.paths.get(entry.api_version)
        return fieldset.intersection(entry.fields, _path(path)) if path else {}


def owners_of(served: Served, paths: Mapping[str, Sequence[str]]) -> ScaleOwners:
    """Of a resource; `paths` as in `ScaleOwners`, where they are not spec.replicas."""
    known = {version: paths.get(version, _REPLICAS) for version in served.family}
    return ScaleOwners(served.kind.resource.api_version, known)


def _path(names: Sequence[str]) -> FieldSet:
    made: FieldSet = LEAF
    for name in reversed(names):
        made = {f"f:{name}": made}
    return made


def _moved(who: Manager, version: str) -> Manager:
    return who._replace(api_version=version) if who.operation == UPDATE else who
