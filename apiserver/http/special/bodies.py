"""Decoding the bodies of virtual resources (bindings, evictions, reviews, scales), strictly typed like any other."""

from __future__ import annotations

from functools import partial

from api.kind import Kind
from apimachinery.errors import BadRequest
from apimachinery.meta import Resource
from apimachinery.objects import Object
from apimachinery.schema import Schemas
from apiserver.http import negotiate, params
from apiserver.http.call import Call
from apiserver.registry import decoding
from apiserver.registry.decoding import Typed
from apiserver.registry.patience import by_size


class Bodies:
    """Reads bodies of kinds that no store holds."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def typed(self, group: str, version: str, kind: str, also: tuple[str, ...] = ()) -> Typed:
        """What decoding needs to know of a kind, `also` in older apiVersions of the same shape; raises KeyError where
        there is no schema of it."""
        schema = self._schemas.for_kind(group, version, kind)
        if schema is None:
            raise KeyError(f"no schema for {group}/{version} {kind}")
        return Typed(Kind(resource=Resource(group, version, "", kind), singular=""), schema, also)

    async def read(self, call: Call, group: str, version: str, kind: str, also: tuple[str, ...] = ()) -> Object:
        """The request's body; raises BadRequest, UnsupportedMediaType, Invalid."""
        body = await call.body()
        media_type = negotiate.body_media_type(call.content_type)
        _, _, validation = params.write_options(call.query, "create")
        if not body:
            raise BadRequest(f"the object provided is unrecognized (must be of type {kind}): no body")
        decode = partial(
            decoding.decode_object,
            self.typed(group, version, kind, also),
            body,
            yaml=media_type == negotiate.YAML,
            validation=validation,
            warnings=call.warnings,
        )
        return await by_size(decode, len(body))
