"""Sending an AdmissionReview to a webhook: by URL, or by a Service's cluster IP under the service's name."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from dataclasses import dataclass

import aiohttp
import orjson

from api.resources import SERVICES
from apimachinery.objects import Object
from apiserver.interfaces import Reader

_MAX_ANSWER_BYTES = 3 << 20
_CONTEXTS_KEPT = 256


class CallFailed(Exception):
    """No good answer came; `failurePolicy` decides what that means."""


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    server_hostname: str
    shown: str


class Caller:
    """One HTTP session for all webhooks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def call(self, client_config: Object, review: Object, seconds: float) -> bytes:
        """The body of the answer; raises CallFailed."""
        target = self._target(client_config)
        if self._session is None:
            self._session = aiohttp.ClientSession(headers={"User-Agent": "kube-apiserver-admission"})
        try:
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
                body = await response.content.read(_MAX_ANSWER_BYTES + 1)
                if response.status != 200:
                    raise CallFailed(f"the server rejected our request with status {response.status}")
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            why = "context deadline exceeded" if isinstance(error, TimeoutError) else str(error)
            raise CallFailed(f'failed to call webhook: Post "{target.shown}?timeout={seconds:g}s": {why}') from error
        if len(body) > _MAX_ANSWER_BYTES:
            raise CallFailed("the answer is too large")
        return body

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _target(self, client_config: Object) -> _Target:
        if client_config.get("url"):
            return _Target(client_config["url"], "", client_config["url"])
        reference = client_config.get("service") or {}
        namespace, name = reference.get("namespace") or "", reference.get("name") or ""
        port, path = reference.get("port") or 443, reference.get("path") or "/"
        service = self._reader.get(SERVICES, namespace, name)
        if service is None:
            raise CallFailed(f'failed to call webhook: service "{name}" not found')
        spec = service.get("spec") or {}
        if not any(item.get("port") == port for item in spec.get("ports") or ()):
            raise CallFailed(f'failed to call webhook: no service port {port} found for service "{name}"')
        host = f"{name}.{namespace}.svc"
        address = spec.get("externalName") if spec.get("type") == "ExternalName" else spec.get("clusterIP")
        if not address or address == "None":
            raise CallFailed(f'failed to call webhook: cannot route to service "{name}"')
        shown = f"[{address}]" if ":" in address else address
        return _Target(f"https://{shown}:{port}{path}", host, f"https://{host}:{port}{path}")

    def _context(self, bundle: str) -> ssl.SSLContext:
        found = self._contexts.get(bundle)
        if found is None:
            try:
                context = ssl.create_default_context(cadata=base64.b64decode(bundle).decode() if bundle else None)
            except (binascii.Error, UnicodeDecodeError, ssl.SSLError) as error:
                raise CallFailed(f"failed to call webhook: unable to load root certificates: {error}") from error
            if len(self._contexts) >= _CONTEXTS_KEPT:
                self._contexts.clear()
            found = self._contexts[bundle] = context
        return found
