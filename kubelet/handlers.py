"""Probes and lifecycle hooks, carried out: a command in the container, an HTTP request, a TCP connection, gRPC health.

`plan/probes.py` says what an answer means."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from component import tlscontext
from component.grpc import Channel, Code, GrpcError
from kubelet.plan.probes import http_ok, is_redirect, resolve_port
from kubelet.runtime.interface import ContainerGone, Runtime, RuntimeFailure

_BODY_BYTES = 10 << 10
_MOST_REDIRECTS = 10


class HandlerFailed(Exception):
    """The container said no, or nothing: a failed probe or hook. The text is fit for an Event."""


class HandlerBroken(Exception):
    """The handler could not be carried out at all (the runtime does not answer, a bad port): no verdict."""


class Handlers:
    """Carries handlers out. `close` at the end."""

    def __init__(self, runtime: Runtime, user_agent: str = "kube-probe/1.28") -> None:
        self._runtime = runtime
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def run(
        self, handler: Mapping[str, Any], container: Mapping[str, Any], container_id: str, pod_ip: str,
        timeout_seconds: float,
    ) -> str:  # fmt: skip
        """Carry out one handler; raises `HandlerFailed` or `HandlerBroken`. What is returned is to be warned of, if
        anything."""
        try:
            if handler.get("exec"):
                await self._exec(container_id, handler["exec"].get("command") or [], timeout_seconds)
            elif handler.get("httpGet"):
                return await self._http(handler["httpGet"], container, pod_ip, timeout_seconds)
            elif handler.get("tcpSocket"):
                action = handler["tcpSocket"]
                port = resolve_port(container, action["port"])
                await _tcp(action.get("host") or pod_ip, port, timeout_seconds)
            elif handler.get("grpc"):
                action = handler["grpc"]
                await _grpc(pod_ip, int(action["port"]), action.get("service") or "", timeout_seconds, self._user_agent)
        except ValueError as error:
            raise HandlerBroken(str(error)) from error
        return ""

    async def _exec(self, container_id: str, command: list[str], timeout_seconds: float) -> None:
        try:
            result = await self._runtime.exec(container_id, command, timeout_seconds)
        except TimeoutError as error:
            raise HandlerFailed(f'command "{" ".join(command)}" timed out') from error
        except ContainerGone as error:
            raise HandlerBroken(str(error)) from error
        except RuntimeFailure as error:
            raise HandlerBroken(f"rpc error: {error}") from error
        if result.exit_code != 0:
            raise HandlerFailed(result.output.decode(errors="replace"))

    async def _http(
        self, action: Mapping[str, Any], container: Mapping[str, Any], pod_ip: str, timeout_seconds: float
    ) -> str:
        scheme = (action.get("scheme") or "HTTP").lower()
        port = resolve_port(container, action["port"])
        host = action.get("host") or pod_ip
        path = action.get("path") or "/"
        path = path if path.startswith("/") else f"/{path}"
        shown_host = f"[{host}]" if ":" in host else host
        url = f"{scheme}://{shown_host}:{port}{path}"
        headers = {"User-Agent": self._user_agent, "Accept": "*/*"}
        for header in action.get("httpHeaders") or ():
            headers[header["name"]] = header.get("value") or ""
        try:
            async with asyncio.timeout(timeout_seconds):
                status, body = await self._get(URL(url), headers)
        except TimeoutError as error:
            text = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            raise HandlerFailed(f'Get "{url}": {text}') from error
        except aiohttp.ClientConnectorError as error:
            why = connect_error(error.os_error)
            raise HandlerFailed(f'Get "{url}": dial tcp {shown_host}:{port}: connect: {why}') from error
        except (aiohttp.ClientError, OSError) as error:
            raise HandlerFailed(f'Get "{url}": {error}') from error
        if not http_ok(status):
            raise HandlerFailed(f"HTTP probe failed with statuscode: {status}")
        if is_redirect(status):
            return f"Probe terminated redirects, Response body: {body.decode(errors='replace')}"
        return ""

    async def _get(self, url: URL, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the last answer: redirections on the same host are followed, those to others are not."""
        host = url.host
        for _ in range(_MOST_REDIRECTS):
            async with self._client().get(url, headers=headers, allow_redirects=False) as response:
                body = await response.content.read(_BODY_BYTES)
                location = response.headers.get("Location", "")
                if not (is_redirect(response.status) and location):
                    return response.status, body
                try:
                    url = url.join(URL(location))
                except ValueError as error:
                    raise aiohttp.ClientError(f'failed to parse Location header "{location}": {error}') from error
                if url.host != host:
                    return response.status, body
        raise aiohttp.ClientError(f"stopped after {_MOST_REDIRECTS} redirects")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=tlscontext.unverified(), force_close=True, limit=0)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session


def connect_error(error: OSError) -> str:
    """Why a connection was not made, in the kernel's words: "connection refused". Pure."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


async def _tcp(host: str, port: int, timeout_seconds: float) -> None:
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError as error:
        raise HandlerFailed(f"dial tcp {host}:{port}: i/o timeout") from error
    except OSError as error:
        raise HandlerFailed(f"dial tcp {host}:{port}: connect: {connect_error(error)}") from error
    writer.close()


async def _grpc(host: str, port: int, service: str, timeout_seconds: float, user_agent: str) -> None:
    """The health protocol of gRPC; the texts are those of k8s.io/kubernetes/pkg/probe/grpc."""
    channel = Channel(host, port, user_agent=user_agent)
    try:
        answer = await channel.unary(
            "/grpc.health.v1.Health/Check", health_check_request(service), timeout=timeout_seconds
        )
    except GrpcError as error:
        limit = f"{timeout_seconds:g}s"
        if not error.sent:  # the reference tries to connect until the time is over
            text = f'timeout: failed to connect service "{host}:{port}" within {limit}: context deadline exceeded'
        elif error.code is Code.DeadlineExceeded:
            text = f"timeout: health rpc did not complete within {limit}"
        elif error.code is Code.Unimplemented:
            text = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
            text += error.message
        else:
            text = f"error: health rpc probe failed: {error.message}"
        raise HandlerFailed(text) from error
    finally:
        await channel.close()
    if answer != b"\x08\x01":  # HealthCheckResponse{status: 1 enum, SERVING = 1}
        raise HandlerFailed('service unhealthy (responded with "NOT_SERVING")')


def health_check_request(service: str) -> bytes:
    """HealthCheckRequest{service: 1 string} in protobuf, small enough to be written by hand. Pure."""
    name = service.encode()
    if not name:
        return b""
    length, left = bytearray(), len(name)
    while left > 0x7F:
        length.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes((0x0A, *length, left)) + name
