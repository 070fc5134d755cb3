"""What a write carries besides its object, and what the registry asks of admission and of allocation. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from apimachinery.objects import Object
from apiserver.interfaces import Attributes
from apiserver.storage.interface import Delete, Put

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"


class Admission(Protocol):
    """The admission chain: every plugin in its order."""

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Mutating admission: changes `obj` in place or raises ApiError."""
        ...

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Validating admission: raises ApiError, or returns warnings."""
        ...


class CommitHook(Protocol):
    """Writes that must be committed together with an object's own (cluster IPs of a Service)."""

    async def plan(self, new: Object | None, old: Object | None) -> tuple[Object | None, Sequence[Put | Delete]]:
        """The object as it is to be written and the writes beside it; `new` is None on delete; raises ApiError."""
        ...

    def rehearse(self, new: Object, old: Object | None) -> Object:
        """The object as a dry run shows it: as `plan` would make it, but nothing is chosen; raises ApiError."""
        ...


@dataclass(slots=True)
class WriteContext:
    """One write request: who, when, and with which options."""

    attributes: Attributes
    now: datetime
    dry_run: bool = False
    field_manager: str = ""  #: as given, or the first part of the user agent
    field_validation: str = WARN
    warnings: list[str] = field(default_factory=list)
    size: int = 0  #: bytes of the request's body
    #: What `registry.fieldversions` had converted, by the wanted version and the object.
    conversions: dict[tuple[str, bytes], Object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """meta/v1 DeleteOptions, decoded and checked."""

    grace_period_seconds: int | None = None
    propagation_policy: str = ""  #: "Orphan", "Background", "Foreground", "" where nothing is said
    uid: str = ""
    resource_version: str = ""
    raw: Mapping[str, object] = field(default_factory=dict)
