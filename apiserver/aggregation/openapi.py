"""The OpenAPI documents of aggregated servers: version 3 as they are, version 2 merged with our own.

A remote definition whose name is taken by another one gets a name of its own, as in the reference."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from apimachinery.objects import Object, deep_copy
from apiserver.aggregation.plan import GroupVersion, Remote, Unroutable
from apiserver.aggregation.transport import Transport, discovery_headers
from apiserver.webhooks.answers import read_at_most

logger = logging.getLogger(__name__)

_ASK_SECONDS = 10.0
_MAX_BYTES = 32 << 20
_ROOT = "/openapi/v3"
_DEFINITIONS = "#/definitions/"
_PARAMETERS = "#/parameters/"


class RemoteSpecs:
    """What was last seen of each server's documents."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._remotes: Mapping[GroupVersion, Remote] = {}
        self._etags: dict[GroupVersion, str] = {}
        self.v2: Mapping[GroupVersion, Object] = {}
        self.v3: Mapping[str, str] = {}  #: "apis/GROUP/VERSION" -> URL with its hash

    async def refresh(self, remotes: Mapping[GroupVersion, Remote]) -> None:
        """Ask all that can be used; documents that have not changed are not sent again."""
        self._remotes = remotes
        usable = {key: remote for key, remote in remotes.items() if remote.available}
        self._etags = {key: etag for key, etag in self._etags.items() if key in usable}
        answers = await asyncio.gather(*(self._ask(key, remote) for key, remote in usable.items()))
        swagger, urls = {}, {}
        for key, (spec, url) in zip(usable, answers, strict=True):
            if spec is not None:
                swagger[key] = spec
            if url:
                urls[usable[key].path[1:]] = url
        if swagger != self.v2:
            self.v2 = swagger
        if urls != self.v3:
            self.v3 = urls

    async def _ask(self, key: GroupVersion, remote: Remote) -> tuple[Object | None, str]:
        return await self._ask_v2(key, remote), await self._ask_v3(remote)

    async def _ask_v2(self, key: GroupVersion, remote: Remote) -> Object | None:
        former = self.v2.get(key)
        etag = self._etags.get(key, "") if former is not None else ""
        try:
            status, body, etag = await self._get(remote, "/openapi/v2", etag)
            if status == 304:
                return former
            if status != 200:
                return None
            spec = of_group_version(orjson.loads(body), remote.path)
        except _TROUBLE as error:
            _tell(remote, "/openapi/v2", error)
            return former
        self._etags[key] = etag
        return spec

    async def _ask_v3(self, remote: Remote) -> str:
        try:
            status, body, _ = await self._get(remote, _ROOT, "")
            paths = (orjson.loads(body).get("paths") or {}) if status == 200 else {}
            url = (paths.get(remote.path[1:]) or {}).get("serverRelativeURL") or ""
        except _TROUBLE as error:
            _tell(remote, _ROOT, error)
            return self.v3.get(remote.path[1:], "")
        return url if url.startswith(f"{_ROOT}{remote.path}") else ""

    async def v3_document(self, name: str) -> bytes | None:
        """The document of "apis/GROUP/VERSION"; None where no server has one now."""
        remote = next((each for each in self._remotes.values() if each.path[1:] == name), None)
        if remote is None or name not in self.v3:
            return None
        try:
            status, body, _ = await self._get(remote, self.v3[name], "")
        except _TROUBLE as error:
            _tell(remote, self.v3[name], error)
            return None
        return body if status == 200 else None

    async def _get(self, remote: Remote, path: str, etag: str) -> tuple[int, bytes, str]:
        async with self._transport.session.get(
            self._transport.url(remote, path),
            headers=discovery_headers("application/json", {"If-None-Match": etag} if etag else None),
            ssl=self._transport.context(remote),
            server_hostname=None if remote.insecure else remote.host,
            timeout=aiohttp.ClientTimeout(total=_ASK_SECONDS),
            allow_redirects=False,
        ) as answer:
            return answer.status, await read_at_most(answer, _MAX_BYTES), answer.headers.get("Etag", "")


_TROUBLE = (aiohttp.ClientError, OSError, Unroutable, ValueError, AttributeError, TypeError)


def _tell(remote: Remote, path: str, error: Exception) -> None:
    logger.warning("No OpenAPI of an aggregated API", extra={"apiservice": remote.api_service, "path": path,
                                                             "error": str(error) or repr(error)})  # fmt: skip


def of_group_version(spec: Object, prefix: str) -> Object:
    """The paths of a group version, and the definitions that they (and each other) name. Pure.

    Parameters that its paths share are written out: our own document has no place for them."""
    shared = spec.get("parameters") or {}
    paths = {
        path: _with_parameters(item, shared)
        for path, item in (spec.get("paths") or {}).items()
        if path.rstrip("/") == prefix or path.startswith(f"{prefix}/")
    }
    definitions = spec.get("definitions") or {}
    needed: dict[str, Any] = {}
    open_names = _names(paths)
    while open_names:
        name = open_names.pop()
        if name in definitions and name not in needed:
            needed[name] = definitions[name]
            open_names |= _names(definitions[name])
    return {"paths": paths, "definitions": needed}


def _with_parameters(item: Any, shared: Mapping[str, Any]) -> Any:
    """A path's item, it and its operations with parameters in place of references to `shared` ones."""
    if not isinstance(item, dict):
        return item
    return _listing({word: _listing(value, shared) for word, value in item.items()}, shared)


def _listing(item: Any, shared: Mapping[str, Any]) -> Any:
    if not isinstance(item, dict) or not isinstance(item.get("parameters"), list):
        return item
    return {**item, "parameters": [_resolved(each, shared) for each in item["parameters"]]}


def _resolved(parameter: Any, shared: Mapping[str, Any]) -> Any:
    reference = parameter.get("$ref") if isinstance(parameter, dict) else None
    if not isinstance(reference, str):
        return parameter
    return shared.get(reference.removeprefix(_PARAMETERS), parameter)


def _names(value: Any) -> set[str]:
    """The definitions that `value` refers to."""
    found = set()
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            reference = each.get("$ref")
            if isinstance(reference, str) and reference.startswith(_DEFINITIONS):
                found.add(reference.removeprefix(_DEFINITIONS))
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)
    return found


def merged(local: Object, remotes: Mapping[GroupVersion, Object]) -> Object:
    """Our document with the remote ones; where a path is in both, ours counts. Pure."""
    paths, definitions = dict(local.get("paths") or {}), dict(local.get("definitions") or {})
    for key in sorted(remotes):
        renamed = _renamed(remotes[key], definitions)
        definitions |= renamed["definitions"]
        paths |= {path: item for path, item in renamed["paths"].items() if path not in paths}
    return {**local, "paths": paths, "definitions": definitions}


def _renamed(spec: Object, taken: Mapping[str, Any]) -> Object:
    """The document with other names for those of its definitions that mean something else in `taken`."""
    names = {}
    for name, definition in spec["definitions"].items():
        if name in taken and taken[name] != definition:
            number = 2
            while f"{name}_v{number}" in taken or f"{name}_v{number}" in spec["definitions"]:
                number += 1
            names[name] = f"{name}_v{number}"
    if not names:
        return spec
    changed = deep_copy(spec)
    stack: list[Any] = [changed]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            reference = each.get("$ref")
            if isinstance(reference, str) and reference.removeprefix(_DEFINITIONS) in names:
                each["$ref"] = _DEFINITIONS + names[reference.removeprefix(_DEFINITIONS)]
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)
    definitions = {names.get(name, name): value for name, value in changed["definitions"].items()}
    return {**changed, "definitions": definitions}
