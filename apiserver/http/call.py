"""One request on its way through the API server: what is known of it, and its body with a limit on size and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from apimachinery import errors
from apimachinery.errors import ApiError
from apimachinery.protobuf import reader as protobuf
from apimachinery.protobuf.wire import WireError
from apimachinery.schema import Schemas
from apimachinery.uids import new_uid
from apiserver.audit.trail import Trail
from apiserver.authn.headers import legible_text
from apiserver.http.negotiate import JSON, PLAIN, Representation, choose
from apiserver.http.request_info import Query, RequestInfo
from apiserver.interfaces import Attributes, Permit
from apiserver.registry.patience import by_size

MAX_BODY_BYTES = 3 << 20
_MAX_AUDIT_ID = 64


@dataclass(slots=True)
class Call:
    """A request after routing and authorization."""

    request: web.BaseRequest
    info: RequestInfo
    query: Query
    attributes: Attributes
    is_long: bool = False  #: whether it may last for any time: no limit of time holds for it
    warnings: list[str] = field(default_factory=list)
    trail: Trail | None = None  #: what the audit log gets of this request
    permit: Permit | None = None  #: what the limits gave it
    for_browsers: Mapping[str, str] = field(default_factory=dict)  #: headers of the answer
    _body: bytes | None = None
    _content_type: str | None = None
    _audit_id: str = ""

    @property
    def accept(self) -> str:
        """The Accept header."""
        return self.request.headers.get("Accept", "")

    @property
    def audit_id(self) -> str:
        """What the request is called in the audit log: as its client says, otherwise a random one."""
        if not self._audit_id:
            self._audit_id = legible_text(self.request.headers.get("Audit-Id", ""))[:_MAX_AUDIT_ID] or new_uid()
        return self._audit_id

    def headers(self) -> dict[str, str]:
        """What every answer to this request says."""
        always = {"Audit-Id": self.audit_id, "Cache-Control": "no-cache, private"}
        if self.permit is not None:
            always.update(self.permit.headers)
        if self.for_browsers:
            always.update(self.for_browsers)
        return always

    @property
    def body_if_read(self) -> bytes | None:
        """The body, where the request has come so far that it was read."""
        return self._body

    @property
    def user_agent(self) -> str:
        """The User-Agent header."""
        return legible_text(self.request.headers.get("User-Agent", ""))

    def representation(self, views: frozenset[str] = frozenset()) -> Representation:
        """What to answer with; raises NotAcceptable. `?pretty` asks for indented JSON."""
        chosen = choose(self.accept, views)
        if self.query and self.query.get("pretty", [""])[0] in ("1", "true"):
            return Representation(chosen.media_type, chosen.view, chosen.view_version, pretty=True)
        return chosen

    @property
    def content_type(self) -> str:
        """The Content-Type of the body as `body` gives it."""
        if self._content_type is None:
            self._content_type = self.request.headers.get("Content-Type", "")
        return self._content_type

    async def translate(self, schemas: Schemas) -> None:
        """Turn a protobuf body into the JSON of the same object; raises BadRequest, UnsupportedMediaType."""
        if self.content_type.partition(";")[0].strip() != protobuf.MEDIA_TYPE:
            return
        body = await self.body()
        self._content_type = JSON
        if not body:
            return
        try:
            self._body = await by_size(lambda: orjson.dumps(protobuf.decode(body, schemas)), len(body))
        except protobuf.UnknownType as error:
            raise errors.UnsupportedMediaType(
                "the body of the request was in an unknown format - accepted media types include: "
                f"application/json, application/yaml ({error})"
            ) from error
        except WireError as error:
            raise errors.BadRequest(f"the object provided is unrecognized: {error}") from error

    async def body(self) -> bytes:
        """The whole body; raises RequestEntityTooLarge."""
        if self._body is None:
            self._body = await read_body(self.request)
        return self._body


async def read_body(request: web.BaseRequest) -> bytes:
    """The body up to the limit; raises RequestEntityTooLarge, BadRequest for a connection that ends early."""
    declared = request.content_length
    if declared is not None and declared > MAX_BODY_BYTES:
        raise too_large()
    if not request.body_exists:
        return b""
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise too_large()
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large() -> ApiError:
    """The 413 of a body over the limit."""
    return errors.RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BODY_BYTES}")


def representation_or_plain(request: web.BaseRequest) -> Representation:
    """The representation of an error: never an error itself."""
    try:
        chosen = choose(request.headers.get("Accept", ""))
    except errors.NotAcceptable:
        return PLAIN
    return chosen
