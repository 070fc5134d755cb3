"""What the parts of the API server ask of each other: the request's attributes, and the protocols of
authentication, authorization, admission and reading. No implementation here."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from apimachinery.meta import Resource
from apimachinery.objects import Object
from apimachinery.remembering import LONGEST


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Who asks (k8s.io/apiserver/pkg/authentication/user)."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Notes:
    """What admission leaves behind beside the object."""

    warnings: list[str] = field(default_factory=list)  #: for the client
    annotations: dict[str, str] = field(default_factory=dict)  #: for the audit log
    detailed: dict[str, str] = field(default_factory=dict)  #: for the audit log where it has requests' bodies too
    again: Any = None  #: what mutating webhooks ask to be called again for; theirs alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """One request as authorization, admission and audit see it (RequestInfo and its user)."""

    user: UserInfo
    verb: (
        str  #: "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", or lower-case method
    )
    path: str
    is_resource: bool = True
    group: str = ""
    version: str = ""
    resource: str = ""  #: plural
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    dry_run: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)  #: Create-, Update-, Patch- or DeleteOptions
    user_agent: str = ""
    source_ips: tuple[str, ...] = ()
    notes: Notes = field(default_factory=Notes, compare=False, repr=False)  #: shared by the copies of one request's

    @property
    def is_short(self) -> bool:
        """Whether what is found out for it may be remembered: a client may send any number of others, of any length."""
        texts = (
            self.user.name, *self.user.groups, self.verb, self.path, self.group, self.resource, self.subresource,
            self.namespace, self.name,
        )  # fmt: skip
        return sum(map(len, texts)) <= LONGEST

    def named(self, name: str) -> Attributes:
        """The same request with the name that the body of a create gives. (`dataclasses.replace` is the same at more
        than twice the time, on every create.)"""
        made = object.__new__(Attributes)
        for each in _ATTRIBUTES:
            object.__setattr__(made, each, getattr(self, each))
        object.__setattr__(made, "name", name)
        return made


_ATTRIBUTES = tuple(each.name for each in fields(Attributes))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to say who sent it."""

    headers: Mapping[str, str]  #: case-insensitive
    peer_certificate: bytes | None  #: DER, already verified against --client-ca-file or the front-proxy CA by TLS
    peer_address: str


class Authenticator(Protocol):
    """One way of knowing a caller."""

    async def authenticate(self, credentials: Credentials) -> UserInfo | None:
        """The user; None: no credentials of this kind; raises `Unauthorized` where they are wrong."""
        ...


class Decision(enum.Enum):
    """An authorizer's answer; NO_OPINION leaves it to the next one, and at the end means no."""

    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


class Authorizer(Protocol):
    """Decides whether a request may proceed, also by asking others."""

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """The decision and its reason (may be "")."""
        ...


class CachedAuthorizer(Protocol):
    """One way of deciding whether a request may proceed that never waits: it looks at cached objects alone."""

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """The decision and its reason (may be "")."""
        ...


class TooBusy(Exception):
    """The server has too much to do for this request now: 429, in plain text, as the reference."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("Too many requests, please try again later.")
        self.headers = {**(headers or {}), "Retry-After": "1"}  #: of the answer


class Permit(Protocol):
    """A request's right to be carried out, until it is released."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What the answer has to say of it."""
        ...

    @property
    def waited(self) -> float:
        """Seconds that it took to get it."""
        ...

    def release(self) -> None:
        """The request is done, or needs no limit any more; harmless the second time."""
        ...


class Limiter(Protocol):
    """How many requests may be carried out at once."""

    async def admit(self, attributes: Attributes, query: Mapping[str, Sequence[str]]) -> Permit:
        """Wait for a request's turn, if it may wait; raises TooBusy."""
        ...


class Reader(Protocol):
    """Cached reads of stored objects, for authorizers, admission and built-in loops. Callers must not change them."""

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object as last seen, or None."""
        ...

    def list(self, resource: Resource, namespace: str = "") -> Sequence[Object]:
        """All objects of the namespace, or of all namespaces."""
        ...

    def version(self, resource: Resource) -> int:
        """A number that is another one after every change of the resource: what was derived from it is stale then."""
        ...


class Loopback(Reader, Protocol):
    """Reads and writes inside the API server as system:apiserver: no authorization, but strategy and storage."""

    async def get_live(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object as the store has it now."""
        ...

    async def create(self, resource: Resource, obj: Object) -> Object:
        """Create; raises ApiError."""
        ...

    async def update(self, resource: Resource, obj: Object, subresource: str = "") -> Object:
        """Replace at the resourceVersion the object carries; raises ApiError."""
        ...

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str = "") -> None:
        """Delete; raises ApiError."""
        ...


class Versions(Protocol):
    """The versions in which a resource is served. Objects in admission are in the version that writes work on."""

    def of(self, attributes: Attributes) -> Sequence[Resource]:
        """Every version of the request's resource, that of the request first; empty where it is not a stored one."""
        ...

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The stored resource of that kind, if it is served."""
        ...

    def serves(self, resource: Resource) -> bool:
        """Whether it is served."""
        ...

    async def shown(self, attributes: Attributes, obj: Object, target: Resource) -> Object:
        """A private copy of an object of the request in the target's version; raises ApiError."""
        ...

    async def taken(self, attributes: Attributes, obj: Object, source: Resource) -> Object:
        """An object in the source's version (defaulted there) as admission has it; raises ApiError."""
        ...


class AdmissionPlugin(Protocol):
    """One admission rule, in a file of its own under `admission/`. `name` is that of --enable-admission-plugins."""

    name: str

    def handles(self, attributes: Attributes) -> bool:
        """Whether this request concerns the plugin at all."""
        ...

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Change `obj` in place, or raise ApiError to refuse. `obj` is None on delete, `old` None on create."""
        ...

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raise ApiError to refuse the final object; returns warnings for the client."""
        ...
