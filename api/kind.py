"""What the API server must know of a kind, beyond its name: a declaration, never a handler.

Pure. One generic registry serves every `Kind`; what differs per kind is in the small hooks of its `Strategy`.
The declarations are in this package, a file per kind or family, and are collected in `api.catalog`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.validation.names import dns1123_subdomain
from apimachinery.fielderrors import FieldError
from apimachinery.meta import Resource
from apimachinery.objects import Object

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Strategy:
    """How objects of one kind (or one subresource of it) are defaulted, checked and changed.

    Every method is pure but for changing the freshly decoded object it is given. The order is that of
    k8s.io/apiserver/pkg/registry/rest: default, (mutating admission), prepare, validate, (validating admission)."""

    #: Whether metadata.generation counts changes of anything but metadata and status.
    has_generation: bool = False
    #: Whether a PUT to an absent name creates the object.
    allow_create_on_update: bool = False
    #: Whether an update without resourceVersion overwrites.
    allow_unconditional_update: bool = True
    #: Whether finalizers without a domain must be Kubernetes' own: kinds that extend the API do not ask for it.
    standard_finalizers: bool = True
    #: Whether an update is checked by the rules for new objects too, so that each cause in metadata is told once more.
    checks_metadata_anew: bool = False

    def default(self, obj: Object) -> None:
        """Fill in what the versioned API says is the default (SetDefaults_*); on every decoded object."""

    def record_creator(
        self, obj: Object, name: str, uid: str, groups: Sequence[str], extra: Mapping[str, Sequence[str]]
    ) -> None:
        """Write into a new object who creates it, for the few kinds whose objects say so."""

    def prepare_create(self, obj: Object) -> None:
        """Drop and set what a creator may not choose (status, generation, ...)."""

    def validate(self, obj: Object) -> list[FieldError]:
        """Every rule broken by an object about to be created; metadata is checked by the registry."""
        return []

    def prepare_update(self, new: Object, old: Object) -> None:
        """Restore what this write may not change; bump generation when the spec changed."""

    def note_time(self, new: Object, old: Object, now: datetime) -> None:
        """Write into a prepared update when it was made, for the few kinds whose objects say so."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Every rule broken by replacing `old` with `new`."""
        return self.validate(new)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Texts for the client's Warning headers; `old` is None on create."""
        return []

    def grace_period_seconds(self, obj: Object, requested: int | None) -> int | None:
        """How long a delete waits for the object's own shutdown; None: deleted at once."""
        return None

    def begin_deletion(self, obj: Object, now: datetime) -> bool:
        """Mark, in place, an object whose end takes work of the server's own; False: it is deleted as any other."""
        return False

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """What is wrong with a name (`prefix`: with a generateName); by default the DNS subdomain rule."""
        return dns1123_subdomain(name, prefix=prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the kind's Table; `wide` columns have priority 1. Descriptions are the reference's field help."""

    name: str
    type: str = "string"  #: "string", "integer", "number", "boolean", "date"
    format: str = ""  #: "name" for the first column
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """A subresource in discovery, and its strategy where it writes the parent object (status, ephemeralcontainers)."""

    name: str  #: "status", "scale", "log", ...
    kind: str  #: "Pod", "Scale", "Eviction", ...
    verbs: tuple[str, ...] = ("get", "patch", "update")
    group: str = ""  #: group and version of `kind` where they differ from the parent's
    version: str = ""
    strategy: Strategy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """What only kinds of CustomResourceDefinitions have."""

    list_kind: str
    schema: Mapping[str, Any]  #: openAPIV3Schema of this version
    scale: Mapping[str, str] | None = None  #: specReplicasPath, statusReplicasPath, labelSelectorPath
    terminating: bool = False  #: the definition is being deleted


@dataclass(frozen=True, slots=True)
class Deprecation:
    """What is said of a version that is not to be used any more."""

    warning: str  #: for everybody who uses it
    removed_release: str = ""  #: the first release without it ("1.29"), where that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource in one version as the API server serves it."""

    resource: Resource
    singular: str  #: singular name in discovery, "" where the reference gives none
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    strategy: Strategy = field(default_factory=Strategy)
    #: Judges writes through this version, in the form that is stored; None: the strategy of the stored version does.
    rules: Strategy | None = None
    columns: tuple[Column, ...] = ()
    #: The cells of one object, one per column, and of ages in the form of `HumanDuration`; None: Name and Age only.
    cells: Callable[[Object, datetime], Sequence[Any]] | None = None
    #: The metav1.TableRowConditions of one object; None: none.
    row_conditions: Callable[[Object], Sequence[Mapping[str, str]]] | None = None
    #: Annotations that stand for fields of older versions: tables do not show them among a row's metadata.
    annotations_not_in_tables: tuple[str, ...] = ()
    #: Field selector keys beyond metadata.name and metadata.namespace, each giving the object's value.
    selectable_fields: Mapping[str, Callable[[Object], str]] = field(default_factory=dict)
    #: Objects seen through several versions are stored in one of them; None: stored as served.
    stored_as: Resource | None = None
    to_storage: Callable[[Object], Object] | None = None  #: from this version to `stored_as`
    from_storage: Callable[[Object], Object] | None = None
    #: Where objects lie in etcd below the prefix: the reference's own layout ("services/specs", "minions").
    storage_path: str = ""
    #: Time to live of the stored objects in seconds, 0 for ever (events: set by --event-ttl).
    ttl_from_event_flag: bool = False
    #: Whether a delete answers with the object it removed rather than with a Status.
    returns_deleted: bool = False
    #: Whether a delete that says nothing of dependents leaves them behind (kinds older than garbage collection).
    orphans_by_default: bool = False
    deprecation: Deprecation | None = None
    #: Set for custom resources: their lists say each item's type, their rules are those of the served version.
    custom: Custom | None = None

    @property
    def kind(self) -> str:
        """The objects' kind: "Pod"."""
        return self.resource.kind

    @property
    def stored(self) -> Resource:
        """The resource in whose form, and under whose key, objects are stored."""
        return self.stored_as or self.resource

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of that name, if there is one."""
        return next((sub for sub in self.subresources if sub.name == name), None)
