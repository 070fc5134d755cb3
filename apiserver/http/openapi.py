"""/openapi/v2 and /openapi/v3: made when first asked for, kept with their ETags until the kinds change."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

import orjson
from prometheus_client import Gauge

from api.kind import Kind
from apimachinery.objects import Object
from apiserver.aggregation.openapi import RemoteSpecs, merged
from apiserver.discovery.documents import group_versions
from apiserver.http import negotiate
from apiserver.http.call import Call
from apiserver.http.nonresource import NonResourcePaths, page_not_found
from apiserver.http.reply import Reply
from apiserver.http.request_info import first
from apiserver.openapi import documents, gnostic
from apiserver.registry.registry import Registry
from component.counter import LightCounter
from component.merging import same_everywhere
from component.version import GIT_VERSION

# Without the "@" of what clients ask for, which is no token of a media type.
_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_V2_PROTOBUF_CLAUSES = frozenset({_V2_PROTOBUF, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"})
_V3_PROTOBUF = "application/com.github.proto-openapi.spec.v3"
_V2_NAMES = ("v2", "v2.pb")
_ROOT = "/openapi/v3"

_MADE = LightCounter(
    "aggregator_openapi_v2_regeneration_count", "How often the document was made.", ("apiservice", "reason")
)
_SECONDS = Gauge("aggregator_openapi_v2_regeneration_duration", "Seconds that it took last.", ("reason",))
same_everywhere("aggregator_openapi_v2_regeneration_duration")


class OpenApi:
    """Serves the documents."""

    def __init__(self, registry: Registry, remote: RemoteSpecs) -> None:
        self._registry = registry
        self._remote = remote
        self._merged: tuple[object, object] = ({}, {})  #: which remote documents were merged
        self._kinds: Sequence[Kind] = ()
        self._made: dict[str, tuple[bytes, str]] = {}
        self._lock = asyncio.Lock()
        self._v2_made = False  # since the start

    def add_paths(self, paths: NonResourcePaths) -> None:
        """Serve them under their paths."""
        paths.add("/openapi/v2", self.v2)
        paths.add(_ROOT, self.v3_index)
        paths.add(_ROOT + "/", self.v3)

    async def v2(self, call: Call) -> Reply:
        """The whole API, as JSON or as gnostic's protobuf."""
        if _prefers_protobuf(call.accept):
            body, etag = await self._document("v2.pb", lambda: gnostic.encode(self._v2_document()))
            return _reply(call, body, etag, _V2_PROTOBUF)
        body, etag = await self._document("v2", lambda: orjson.dumps(self._v2_document()))
        return _reply(call, body, etag, negotiate.JSON)

    def _v2_document(self) -> Object:
        own = documents.v2(self._registry.schemas, self._registry.kinds, GIT_VERSION)
        return merged(own, self._remote.v2) if self._remote.v2 else own

    async def v3_index(self, call: Call) -> Reply:
        """The addresses of the documents, with a hash of each: they may be cached for ever."""
        body, etag = await self._document("v3", self._index)
        return _reply(call, body, etag, negotiate.JSON)

    def _index(self) -> bytes:
        paths = {}
        for group, versions in group_versions(self._registry.kinds).items():
            for version in versions:
                name = f"apis/{group}/{version}" if group else f"api/{version}"
                etag = hashlib.sha256(self._v3_bytes(group, version)).hexdigest().upper()
                paths[name] = {"serverRelativeURL": f"{_ROOT}/{name}?hash={quote(etag)}"}
        remote = {name: {"serverRelativeURL": url} for name, url in self._remote.v3.items() if name not in paths}
        return orjson.dumps({"paths": paths | remote})

    def _v3_bytes(self, group: str, version: str) -> bytes:
        document = documents.v3(self._registry.schemas, self._registry.kinds, group, version, GIT_VERSION)
        return orjson.dumps(document)

    async def v3(self, call: Call) -> Reply:
        """One group and version."""
        if any(clause.media_type.startswith(_V3_PROTOBUF) for clause in negotiate.parse_accept(call.accept)[:1]):
            negotiate.choose(call.accept)  # protobuf alone is refused; with JSON beside it, JSON is the answer
        parts = call.info.path.strip("/").split("/")[2:]
        group = parts[1] if parts[0] == "apis" and len(parts) == 3 else ""
        known = group_versions(self._registry.kinds).get(group, ())
        is_core = parts[0] == "api" and len(parts) == 2
        if not (group or is_core) or parts[-1] not in known:
            return await self._remote_v3(call, "/".join(parts))
        body, etag = await self._document("/".join(parts), lambda: self._v3_bytes(group, parts[-1]))
        wanted = first(call.query, "hash")
        reply = _reply(call, body, etag, negotiate.JSON)
        if wanted == etag:
            reply.headers = {
                **reply.headers,
                "Cache-Control": "public, immutable",
                "Expires": "Fri, 01 Jan 2100 00:00:00 GMT",
            }
        return reply

    async def _remote_v3(self, call: Call, name: str) -> Reply:
        body = await self._remote.v3_document(name)
        if body is None:
            return page_not_found()
        return _reply(call, body, hashlib.sha256(body).hexdigest().upper(), negotiate.JSON)

    async def _document(self, name: str, make: Callable[[], bytes]) -> tuple[bytes, str]:
        """The bytes of a document and their ETag; made in a thread, since large ones take a while."""
        async with self._lock:
            merged_now = (self._remote.v2, self._remote.v3)
            if self._kinds != self._registry.kinds or self._merged != merged_now:
                self._kinds, self._merged = self._registry.kinds, merged_now
                self._made.clear()
            made = self._made.get(name)
            if made is None:
                started = time.perf_counter()
                body = await asyncio.to_thread(make)
                if name in _V2_NAMES:
                    self._count(time.perf_counter() - started)
                made = self._made[name] = (body, hashlib.sha256(body).hexdigest().upper())
        return made

    def _count(self, seconds: float) -> None:
        reason = "update" if self._v2_made else "startup"
        self._v2_made = True
        _MADE.labels("*", reason).inc()  # whichever APIService has changed
        _SECONDS.labels(reason).set(seconds)


def _prefers_protobuf(accept: str) -> bool:
    for clause in negotiate.parse_accept(accept):
        if clause.media_type in _V2_PROTOBUF_CLAUSES:
            return True
        if clause.media_type in (negotiate.JSON, "*/*"):
            return False
    return False


def _reply(call: Call, body: bytes, etag: str, content_type: str) -> Reply:
    quoted = f'"{etag}"'
    headers = {"Etag": quoted, "Vary": "Accept", "Cache-Control": "no-cache, private"}
    if call.request.headers.get("If-None-Match") in (quoted, etag):
        return Reply(304, b"", content_type, headers)
    return Reply(200, body, content_type, headers)
