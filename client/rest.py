"""The REST client: one aiohttp session to one API server, every answer other than 2xx raised as an ApiError."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
import ssl
import time
import weakref
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import aiohttp
import orjson
from yarl import URL

from apimachinery.errors import ApiError, Gone, InternalError, ServiceUnavailable, from_status
from apimachinery.meta import Resource
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.watchstream import WatchDecoder
from client import metrics

logger = logging.getLogger(__name__)

PatchType = Literal["json", "merge", "strategic", "apply"]

_PATCH_MEDIA_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_MAX_RETRIES = 10
_CONNECT_SECONDS = 10.0
_WATCH_SLACK_SECONDS = 30.0
_TOKEN_FILE_SECONDS = 10.0
_READ_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Where the API server is and who we are there; made by `client.kubeconfig`."""

    server: str  #: "https://127.0.0.1:6443"
    ssl_context: ssl.SSLContext | None = None
    token: str = ""
    token_file: str = ""  #: re-read when it changes
    username: str = ""
    password: str = ""
    server_hostname: str = ""  #: the name expected in the server's certificate, where it is not the address's


#: Only the metadata of each object, where the server can do that.
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch; `object` of a BOOKMARK carries only the resourceVersion. ERROR is raised, not returned."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Object


class RestClient:
    """Verbs on resources. Use as an async context manager. Every call has a time limit (seconds) and raises
    `apimachinery.errors.ApiError` for an answer that says no, `ServiceUnavailable` where no answer comes."""

    def __init__(self, config: ClientConfig, *, user_agent: str, timeout_seconds: float = 30.0) -> None:
        self._config = config
        self._timeout = timeout_seconds
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        self._open: aiohttp.ClientSession | None = None
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._authorization = _static_authorization(config)
        self._token_checked = float("-inf")
        self._host = URL(config.server).authority

    def use_token(self, token: str) -> None:
        """Send this bearer token from now on."""
        self._authorization = f"Bearer {token}"

    async def use_certificate(self, file: Path) -> None:
        """Present the client certificate in this file (PEM, with its key) from now on, on new connections: those that
        are open are cut, and what is under way on them raises ServiceUnavailable. Raises OSError, ssl.SSLError."""
        if self._config.ssl_context is None:
            return
        await asyncio.to_thread(self._config.ssl_context.load_cert_chain, file)
        for sock in tuple(self._sockets):
            # At the socket, so that each request learns it as a peer's hanging up: a session that is closed under its
            # requests leaves some of them waiting for ever.
            with contextlib.suppress(OSError):  # not connected (any more)
                sock.shutdown(socket.SHUT_RDWR)

    async def __aenter__(self) -> RestClient:
        connector = aiohttp.TCPConnector(
            ssl=self._config.ssl_context if self._config.ssl_context is not None else True,
            limit=0,
            keepalive_timeout=60.0,
            socket_factory=self._socket,
        )
        self._open = aiohttp.ClientSession(connector=connector, headers=self._headers, auto_decompress=True)
        return self

    def _socket(self, address: Any) -> socket.socket:
        sock = _keepalive_socket(address)
        self._sockets.add(sock)
        return sock

    async def __aexit__(self, *exc: object) -> None:
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def get(
        self, resource: Resource, namespace: str, name: str, *, subresource: str = "",
        resource_version: str | None = None,
    ) -> Object:  # fmt: skip
        """One object; raises NotFound."""
        params = {} if resource_version is None else {"resourceVersion": resource_version}
        return await self._call("GET", resource.path(namespace, name, subresource), params=params)

    async def list(
        self, resource: Resource, namespace: str = "", *, label_selector: str = "", field_selector: str = "",
        resource_version: str | None = None, limit: int = 0, continue_token: str = "", metadata_only: bool = False,
    ) -> Object:  # fmt: skip
        """The List object, with `metadata.resourceVersion` and `items` (`metadata_only`: PartialObjectMetadata)."""
        params = _selection(label_selector, field_selector)
        if resource_version is not None:
            params["resourceVersion"] = resource_version
        if limit:
            params["limit"] = str(limit)
        if continue_token:
            params["continue"] = continue_token
        accept = _METADATA_LIST if metadata_only else ""
        return await self._call("GET", resource.path(namespace), params=params, accept=accept)

    async def create(
        self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "", subresource: str = ""
    ) -> Object:
        """POST; the namespace is the object's own unless given; `name` and `subresource` for pods/binding and such."""
        path = resource.path(namespace or namespace_of(obj), name, subresource)
        return await self._call("POST", path, body=orjson.dumps(obj))

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """PUT at the object's own namespace and name; raises Conflict when its resourceVersion is stale."""
        path = resource.path(namespace_of(obj), name_of(obj), subresource)
        return await self._call("PUT", path, body=orjson.dumps(obj))

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Any, *, patch_type: PatchType,
        subresource: str = "", params: Mapping[str, str] | None = None,
    ) -> Object:  # fmt: skip
        """PATCH."""
        path = resource.path(namespace, name, subresource)
        media_type = _PATCH_MEDIA_TYPES[patch_type]
        return await self._call("PATCH", path, body=orjson.dumps(body), params=params, content_type=media_type)

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, grace_period_seconds: int | None = None,
        propagation_policy: str = "", uid: str = "", resource_version: str = "",
    ) -> Object:  # fmt: skip
        """DELETE, with preconditions where uid or resource_version is given."""
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        if propagation_policy:
            options["propagationPolicy"] = propagation_policy
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {key: value for key, value in preconditions.items() if value}
        if preconditions:
            options["preconditions"] = preconditions
        return await self._call("DELETE", resource.path(namespace, name), body=orjson.dumps(options))

    async def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str, label_selector: str = "",
        field_selector: str = "", timeout_seconds: int = 0, metadata_only: bool = False,
    ) -> AsyncIterator[WatchEvent]:  # fmt: skip
        """Events after `resource_version`, bookmarks among them; ends when the server closes; raises Gone on 410."""
        params = _selection(label_selector, field_selector)
        params |= {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": resource_version}
        total = None
        if timeout_seconds:
            params["timeoutSeconds"] = str(timeout_seconds)
            total = timeout_seconds + _WATCH_SLACK_SECONDS
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=_CONNECT_SECONDS)
        try:
            headers = {"Accept": _METADATA} if metadata_only else None
            async with self._request("GET", resource.path(namespace), params, None, timeout, headers) as response:
                self._count("GET", response.status)
                if response.status != 200:
                    raise _error(response.status, await response.read())
                decoder = WatchDecoder()
                async for chunk in response.content.iter_chunked(_READ_CHUNK):
                    for kind, obj in decoder.feed(chunk):
                        yield _event(kind, obj)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unavailable(error) from error

    async def raw(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:  # fmt: skip
        """Any other path; status and body, errors not raised."""
        timeout = aiohttp.ClientTimeout(total=self._timeout, sock_connect=_CONNECT_SECONDS)
        try:
            async with self._request(method, path, params, body, timeout, headers) as response:
                self._count(method, response.status)
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unavailable(error) from error

    async def _call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: bytes | None = None,
        content_type: str = "application/json", accept: str = "",
    ) -> Object:  # fmt: skip
        """One request, tried again where the server asks for that (Retry-After), as client-go does."""
        timeout = aiohttp.ClientTimeout(total=self._timeout, sock_connect=_CONNECT_SECONDS)
        headers = {"Content-Type": content_type} if body is not None else {}
        if accept:
            headers["Accept"] = accept
        deadline = time.monotonic() + self._timeout
        for attempt in range(_MAX_RETRIES + 1):
            started = time.monotonic()
            try:
                async with self._request(method, path, params, body, timeout, headers) as response:
                    status, data = response.status, await response.read()
                    retry_after = response.headers.get("Retry-After", "")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._count(method, 0)
                raise self._unavailable(error) from error
            finished = time.monotonic()
            self._count(method, status)
            metrics.REQUEST_SECONDS.labels(method, self._host).observe(finished - started)
            if 200 <= status < 300:
                return _object(data)
            asked = retry_after.isdigit() and (status == 429 or status >= 500)
            if not asked or attempt == _MAX_RETRIES or finished + int(retry_after) > deadline:
                break
            await asyncio.sleep(max(int(retry_after), 0.1))
        raise _error(status, data)

    def _request(
        self, method: str, path: str, params: Mapping[str, str] | None, body: bytes | None,
        timeout: aiohttp.ClientTimeout, headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        if self._open is None:
            raise RuntimeError("RestClient is used outside of its async context")
        all_headers = dict(headers or {})
        authorization = self._current_authorization()
        if authorization:
            all_headers.setdefault("Authorization", authorization)
        return self._open.request(
            method, URL(self._config.server + path, encoded="%" in path), params=params, data=body,
            headers=all_headers, timeout=timeout, allow_redirects=False,
            server_hostname=self._config.server_hostname or None,
        )  # fmt: skip

    def _current_authorization(self) -> str:
        if not self._config.token_file:
            return self._authorization
        now = time.monotonic()
        if now - self._token_checked > _TOKEN_FILE_SECONDS:
            try:
                self._authorization = f"Bearer {Path(self._config.token_file).read_text().strip()}"
                self._token_checked = now
            except OSError as error:
                logger.warning("Cannot read token file", extra={"file": self._config.token_file, "error": error})
        return self._authorization

    def _count(self, method: str, status: int) -> None:
        metrics.REQUESTS.labels(str(status) if status else "<error>", method, self._host).inc()

    def _unavailable(self, error: Exception) -> ServiceUnavailable:
        why = "no answer in time" if isinstance(error, TimeoutError) else (str(error) or type(error).__name__)
        return ServiceUnavailable(f"the API server at {self._config.server} does not answer: {why}")


def _keepalive_socket(address: Any) -> socket.socket:
    """A TCP socket that notices a peer that vanished (a watch may be silent for minutes) within about 30 s."""
    family, kind, protocol, _, _ = address
    sock = socket.socket(family=family, type=kind, proto=protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
    return sock


def _static_authorization(config: ClientConfig) -> str:
    if config.token and not config.token_file:
        return f"Bearer {config.token}"
    if config.username:
        pair = f"{config.username}:{config.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return ""


def _selection(label_selector: str, field_selector: str) -> dict[str, str]:
    params = {}
    if label_selector:
        params["labelSelector"] = label_selector
    if field_selector:
        params["fieldSelector"] = field_selector
    return params


def _object(data: bytes) -> Object:
    try:
        decoded = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InternalError(f"the API server's answer is not JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise InternalError("the API server's answer is not an object")
    return decoded


def _error(status: int, data: bytes) -> ApiError:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = {"message": data[:500].decode(errors="replace").strip()}
    return from_status(body if isinstance(body, dict) else {}, status)


def _event(kind: str, obj: Object) -> WatchEvent:
    if kind == "ERROR":
        code = obj.get("code") or 500
        error = from_status(obj, code)
        if code == 410 and not isinstance(error, Gone):
            raise Gone(error.message)
        raise error
    return WatchEvent(cast(Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"], kind), obj)
