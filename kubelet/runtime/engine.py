"""The Docker Engine API over its unix socket: one aiohttp session, errors translated, the daemon's own API version.

Chosen over the docker SDK because it needs no threads and half the memory; `docker.py` gives its calls meaning."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from kubelet.runtime.interface import ContainerGone, RuntimeRefused, RuntimeUnavailable

DEFAULT_SOCKET = "/var/run/docker.sock"
_NEWEST_KNOWN = (1, 47)
_CONNECTIONS = 100


class Engine:
    """Requests to one Docker daemon. Use `close` at the end."""

    def __init__(self, socket: str = DEFAULT_SOCKET, *, timeout_seconds: float = 120.0) -> None:
        self._socket = socket
        self._timeout = timeout_seconds
        self._session: aiohttp.ClientSession | None = None
        self._version = ""

    @property
    def socket(self) -> str:
        """The path of the daemon's socket."""
        return self._socket

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def version(self) -> str:
        """The API version to speak: the daemon's own, at most the newest known here. Raises RuntimeUnavailable."""
        return self._version or await self._ask_version()

    def forget_version(self) -> None:
        """Ask for the API version again: the daemon may have been replaced."""
        self._version = ""

    async def call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None,
        timeout_seconds: float | None = None,
    ) -> Any:  # fmt: skip
        """One request; its decoded JSON answer, None where there is none. Raises the runtime's errors."""
        async with self.open(
            method, path, params=params, body=body, timeout_seconds=timeout_seconds or self._timeout
        ) as response:
            data = await response.read()
        return orjson.loads(data) if data.strip() else None

    @asynccontextmanager
    async def open(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None, data: bytes = b"",
        headers: Mapping[str, str] | None = None, timeout_seconds: float | None = None,
        idle_seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:  # fmt: skip
        """One request whose answer is read by the caller: limited in total, or between chunks by `idle_seconds`."""
        version = await self.version()
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_read=idle_seconds, sock_connect=10)
        send_headers = dict(headers or {})
        payload: bytes | None = data or None
        if body is not None:
            payload = orjson.dumps(body)
            send_headers["Content-Type"] = "application/json"
        try:
            async with self._connected().request(
                method, f"http://docker/v{version}{path}", params=params, data=payload, headers=send_headers,
                timeout=timeout,
            ) as response:  # fmt: skip
                if response.status >= 400:
                    raise _refusal(response.status, await response.read())
                yield response
        except TimeoutError as error:
            raise RuntimeUnavailable(f"Docker did not answer {method} {path} in time") from error
        except (aiohttp.ClientError, OSError) as error:
            self.forget_version()
            raise RuntimeUnavailable(
                f"Cannot connect to the Docker daemon at unix://{self._socket}. Is the docker daemon running? ({error})"
            ) from error

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.UnixConnector(self._socket, limit=_CONNECTIONS, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session

    async def _ask_version(self) -> str:
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with self._connected().get("http://docker/_ping", timeout=timeout) as response:
                offered = response.headers.get("Api-Version", "1.24")
                await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise RuntimeUnavailable(
                f"Cannot connect to the Docker daemon at unix://{self._socket}. Is the docker daemon running? ({error})"
            ) from error
        major, _, minor = offered.partition(".")
        newest = min((int(major), int(minor)), _NEWEST_KNOWN)
        self._version = f"{newest[0]}.{newest[1]}"
        return self._version


def _refusal(code: int, body: bytes) -> RuntimeRefused:
    try:
        message = orjson.loads(body).get("message") or ""
    except (orjson.JSONDecodeError, AttributeError):
        message = body.decode(errors="replace")
    text = f"Error response from daemon: {message.strip()}"
    return ContainerGone(text, code) if code == 404 else RuntimeRefused(text, code)
