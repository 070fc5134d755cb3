"""Sending a review to a webhook: by URL, or by a Service's cluster IP under the service's name."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from dataclasses import dataclass

import aiohttp
import orjson

from api.resources import SERVICES
from apimachinery.fielderrors import go_quote
from apimachinery.objects import Object
from apiserver.interfaces import Reader
from apiserver.servercertificates import OF_WEBHOOK
from apiserver.webhooks.reasons import reason_of

_MAX_ANSWER_BYTES = 3 << 20
_CONTEXTS_KEPT = 256
_USER_AGENT = "kube-apiserver-admission"
#: How the reference's client words an answer that is no Status (apimachinery's NewGenericServerResponse).
_WORDS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    403: "forbidden",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "the server was unable to respond with a content type that the client supports",
    409: "the server reported a conflict",
    415: "the server was unable to understand the content type of our request",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


class CallFailed(Exception):
    """No good answer came; who asked decides what that means."""


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    server_hostname: str


class Caller:
    """One HTTP session for all webhooks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def call(
        self, client_config: Object, review: Object, seconds: float, *, max_bytes: int = _MAX_ANSWER_BYTES
    ) -> bytes:
        """The body of the answer, of at most `max_bytes`; raises CallFailed."""
        shown = f'Post "{_address(client_config)}?timeout={seconds:g}s": '
        if self._session is None:
            # No limit on connections, or calls of a slow webhook would keep those of others waiting.
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": _USER_AGENT},
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            target = self._target(client_config)
            async with self._session.post(
                target.url,
                params={"timeout": f"{seconds:g}s"},
                data=orjson.dumps(review),
                headers={"Content-Type": "application/json", "Accept": "application/json"},
                ssl=self._context(client_config.get("caBundle") or ""),
                server_hostname=target.server_hostname or None,
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
            ) as response:
                body = await _read(response, max_bytes)
        except _Unreachable as error:
            raise CallFailed(shown + str(error)) from error
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            raise CallFailed(shown + reason_of(error)) from error
        if not 200 <= response.status < 300:
            raise CallFailed(_refusal(response.status, body))
        if len(body) > max_bytes:
            raise CallFailed(shown + "the answer is too large")
        return body

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _target(self, client_config: Object) -> _Target:
        if client_config.get("url"):
            return _Target(client_config["url"], "")
        reference = client_config.get("service") or {}
        namespace, name = reference.get("namespace") or "", reference.get("name") or ""
        port, path = reference.get("port") or 443, _path(reference)
        service = self._reader.get(SERVICES, namespace, name)
        if service is None:
            raise _Unreachable(f'service "{name}" not found')
        spec = service.get("spec") or {}
        if spec.get("type") == "ExternalName":
            return _Target(f"https://{spec.get('externalName') or ''}:{port}{path}", _host(reference))
        if not any(item.get("port") == port for item in spec.get("ports") or ()):
            raise _Unreachable(f'no service port {port} found for service "{name}"')
        address = spec.get("clusterIP")
        if not address or address == "None":
            raise _Unreachable(f'cannot route to service "{name}" without a cluster IP')
        host = f"[{address}]" if ":" in address else address
        return _Target(f"https://{host}:{port}{path}", _host(reference))

    def _context(self, bundle: str) -> ssl.SSLContext:
        found = self._contexts.get(bundle)
        if found is None:
            try:
                context = ssl.create_default_context(cadata=base64.b64decode(bundle).decode() if bundle else None)
            except (binascii.Error, UnicodeDecodeError, ssl.SSLError) as error:
                raise _Unreachable(f"unable to load root certificates: {error}") from error
            context.sslobject_class = OF_WEBHOOK
            if len(self._contexts) >= _CONTEXTS_KEPT:
                self._contexts.clear()
            found = self._contexts[bundle] = context
        return found


class _Unreachable(Exception):
    """The webhook's configuration leads nowhere."""


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or the first byte too many of it."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(64 << 10):
        parts.append(part)
        size += len(part)
        if size > limit:
            break
    return b"".join(parts)


def _host(reference: Object) -> str:
    return f"{reference.get('name') or ''}.{reference.get('namespace') or ''}.svc"


def _path(reference: Object) -> str:
    path: str = reference.get("path") or "/"
    return path if path.startswith("/") else f"/{path}"


def _address(client_config: Object) -> str:
    """The URL as error texts show it: a Service by its name."""
    if client_config.get("url"):
        url: str = client_config["url"]
        return url
    reference = client_config.get("service") or {}
    return f"https://{_host(reference)}:{reference.get('port') or 443}{_path(reference)}"


def _refusal(status: int, body: bytes) -> str:
    """What is told of an HTTP status other than success: the Status in the body, or words for the code."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and said.get("kind") == "Status" and said.get("message"):
        return str(said["message"])
    if status in _WORDS:
        return _WORDS[status]
    if status >= 500:
        text = body[:2048].decode(errors="replace").strip() or "unknown"
        return f"an error on the server ({go_quote(text)}) has prevented the request from succeeding"
    return f"the server responded with the status code {status} but did not return more details"
