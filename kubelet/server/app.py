"""The HTTP server: routes, who may ask, and the answers. Which log is meant is decided in `plan/logs.py`."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
from aiohttp import web

from apimachinery.objects import Object, uid_of
from component import metrics
from component.healthserver import serving_context
from component.process import FatalError
from kubelet.node_services import find_container
from kubelet.plan.logs import LogRequest, NoLog, choose_container, parse_request
from kubelet.plan.records import ContainerRecord
from kubelet.pleg import ContainerCache
from kubelet.pods import PodManager
from kubelet.runtime.engine import Engine
from kubelet.runtime.interface import LogOptions, Runtime, RuntimeFailure
from kubelet.runtime.sessions import Session, attach_session, exec_session
from kubelet.server import port_forward, remote_command, spdy_command, websocket_port_forward
from kubelet.server.auth import KubeletAuth
from kubelet.server.stats import StatsProvider
from kubelet.status import StatusManager

logger = logging.getLogger(__name__)

_MAX_LINE_BYTES = 1 << 20  # a command that is to be run is in it
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_RUN_SECONDS = 60.0
_SYSTEM_LOGS = Path("/var/log")


class KubeletServer:
    """Port 10250, and without authentication a read-only port where that is asked for."""

    def __init__(
        self, engine: Engine, runtime: Runtime, cache: ContainerCache, pods: PodManager, status: StatusManager,
        stats: StatsProvider, auth: KubeletAuth,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._runtime = runtime
        self._cache = cache
        self._pods = pods
        self._status = status
        self._stats = stats
        self._auth = auth
        self._runners: list[web.AppRunner] = []

    async def start(self, address: str, port: int, context: ssl.SSLContext) -> None:
        """Serve all paths over TLS; raises FatalError when the port is taken."""
        application = web.Application(middlewares=[self._guard])
        self._add_read_only(application)
        routes = application.router
        routes.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        routes.add_route("*", "/exec/{namespace}/{pod}/{container}", self._exec)
        routes.add_route("*", "/exec/{namespace}/{pod}/{uid}/{container}", self._exec)
        routes.add_route("*", "/attach/{namespace}/{pod}/{container}", self._attach)
        routes.add_route("*", "/attach/{namespace}/{pod}/{uid}/{container}", self._attach)
        routes.add_route("*", "/portForward/{namespace}/{pod}", self._port_forward)
        routes.add_route("*", "/portForward/{namespace}/{pod}/{uid}", self._port_forward)
        routes.add_post("/run/{namespace}/{pod}/{container}", self._run)
        routes.add_post("/run/{namespace}/{pod}/{uid}/{container}", self._run)
        _add_system_logs(application)
        await self._listen(application, address, port, context)

    async def start_read_only(self, address: str, port: int) -> None:
        """Serve what changes nothing and tells nothing of the pods' inside, in the clear."""
        application = web.Application()
        self._add_read_only(application)
        await self._listen(application, address, port, None)

    async def close(self) -> None:
        """Stop serving."""
        for runner in self._runners:
            await runner.cleanup()

    async def _listen(
        self, application: web.Application, address: str, port: int, context: ssl.SSLContext | None
    ) -> None:
        runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=1.0,
            max_line_size=_MAX_LINE_BYTES, max_field_size=_MAX_LINE_BYTES,
        )  # fmt: skip
        await runner.setup()
        self._runners.append(runner)
        try:
            await web.TCPSite(runner, address, port, ssl_context=context, reuse_address=True).start()
        except OSError as error:
            raise FatalError(f"listen tcp {address}:{port}: {error.strerror or error}") from error

    def _add_read_only(self, application: web.Application) -> None:
        routes = application.router
        routes.add_get("/healthz", self._healthz)
        routes.add_get("/pods", self._list_pods)
        routes.add_get("/runningpods/", self._list_pods)
        routes.add_get("/stats/summary", self._summary)
        routes.add_get("/metrics", self._metrics)
        routes.add_get("/metrics/resource", self._resource_metrics)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await self._auth.check(request)
        return await handler(request)

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _resource_metrics(self, request: web.Request) -> web.Response:
        text = await self._stats.metrics(self._pods.pods())
        return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _summary(self, request: web.Request) -> web.Response:
        return _json(await self._stats.summary(self._pods.pods()))

    async def _list_pods(self, request: web.Request) -> web.Response:
        items = [self._status.view(pod) for pod in self._pods.pods()]
        return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    def _pod(self, request: web.Request) -> Object:
        name = request.match_info["pod"]
        pod = self._pods.find(request.match_info["namespace"], name)
        if pod is None or request.match_info.get("uid", uid_of(pod)) != uid_of(pod):
            raise web.HTTPNotFound(text=f'pod "{name}" not found')
        container = request.match_info["container"]
        if find_container(pod, container) is None:
            raise web.HTTPNotFound(text=f'container "{container}" not found in pod "{name}"')
        return self._status.view(pod)

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        pod = self._pod(request)
        name = request.match_info["container"]
        try:
            wanted = parse_request(request.query, datetime.now(UTC))
            record = choose_container(pod, self._cache.pod(uid_of(pod)), name, wanted.previous)
        except (ValueError, NoLog) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        chunks = self._runtime.logs(record.id, record.tty, _options(wanted))
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            async for chunk in _limited(chunks, wanted.limit_bytes):
                await response.write(chunk)
        except RuntimeFailure as error:
            await response.write(f"{error}\n".encode())
        except ConnectionResetError:
            logger.debug("A reader of logs went away", extra={"container": name})
            return response
        await response.write_eof()
        return response

    def _running(self, request: web.Request) -> ContainerRecord:
        """The running container of an exec or attach, its request being one for a stream."""
        pod = self._pod(request)
        name = request.match_info["container"]
        record = self._cache.pod(uid_of(pod)).latest(name)
        if record is None or not record.running:
            raise web.HTTPBadRequest(text=f'container not found ("{name}")')
        if request.headers.get("Upgrade", "").lower() not in ("websocket", "spdy/3.1"):
            raise web.HTTPBadRequest(text="Upgrade request required")
        return record

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        record = self._running(request)
        wanted = _streams(request)
        command = request.query.getall("command", [])
        return await _stream(request, lambda: exec_session(self._engine, record.id, command, **wanted), wanted)

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        record = self._running(request)
        wanted = {**_streams(request), "tty": record.tty}
        return await _stream(request, lambda: attach_session(self._engine, record.id, **wanted), wanted)

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["pod"]
        pod = self._pods.find(request.match_info["namespace"], name)
        sandbox = self._cache.pod(uid_of(pod)).sandbox if pod is not None else None
        if pod is None or sandbox is None or not sandbox.running:
            raise web.HTTPNotFound(text=f'pod "{name}" not found')
        pid = 0 if pod["spec"].get("hostNetwork") else sandbox.pid
        protocol = request.headers.get("Upgrade", "").lower()
        if protocol == "websocket":
            shown = f"{name}_{pod['metadata']['namespace']}, uid {uid_of(pod)}"
            return await websocket_port_forward.serve(request, pid, shown)
        if protocol != "spdy/3.1":
            raise web.HTTPBadRequest(text="Upgrade request required")
        return await port_forward.serve(request, pid)

    async def _run(self, request: web.Request) -> web.Response:
        pod = self._pod(request)
        name = request.match_info["container"]
        record = self._cache.pod(uid_of(pod)).latest(name)
        if record is None or not record.running:
            raise web.HTTPBadRequest(text=f'container "{name}" is not running')
        command = request.query.getall("cmd", [])
        if len(command) == 1:
            command = command[0].split()
        try:
            result = await self._runtime.exec(record.id, command, _RUN_SECONDS)
        except (RuntimeFailure, TimeoutError) as error:
            raise web.HTTPInternalServerError(text=str(error)) from error
        if result.exit_code:
            text = f"command exited with {result.exit_code}: {result.output.decode(errors='replace')}"
            raise web.HTTPInternalServerError(text=text)
        return web.Response(body=result.output, headers={"Content-Type": "text/plain"})


async def _stream(
    request: web.Request, open_session: Callable[[], Awaitable[Session]], wanted: dict[str, bool]
) -> web.StreamResponse:
    """Carry a session over what the client speaks."""
    if request.headers["Upgrade"].lower() != "websocket":
        return await spdy_command.serve(request, open_session, wanted)
    try:
        session = await open_session()
    except RuntimeFailure as error:
        raise web.HTTPInternalServerError(text=str(error)) from error
    return await remote_command.serve(request, session, wanted["stdin"])


def _add_system_logs(application: web.Application) -> None:
    if _SYSTEM_LOGS.is_dir():
        # Links lead no further than that folder: a pod may have been given it to write to.
        application.router.add_static("/logs/", _SYSTEM_LOGS, show_index=True)


def _streams(request: web.Request) -> dict[str, bool]:
    names = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}
    return {ours: request.query.get(theirs, "").lower() in ("1", "true") for ours, theirs in names.items()}


def _options(wanted: LogRequest) -> LogOptions:
    return LogOptions(follow=wanted.follow, timestamps=wanted.timestamps, since=wanted.since, tail=wanted.tail)


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value), headers={"Content-Type": "application/json"})


async def tls_context(
    cert_file: str, key_file: str, client_ca_file: str, *, issued_later: bool = False
) -> ssl.SSLContext:
    """The context of port 10250; client certificates are asked for where a CA to check them is given. One that is
    `issued_later` has no certificate yet, and no handshake succeeds until then. Raises FatalError for files that
    cannot be read."""
    try:
        if issued_later:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        else:
            context = await serving_context("kubelet", cert_file, key_file)
        if client_ca_file:
            context.load_verify_locations(cafile=client_ca_file)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError, ValueError) as error:
        raise FatalError(f"TLS cannot be set up: {error}") from error
    return context


async def _limited(chunks: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    """At most `limit` bytes of the chunks."""
    left = limit
    async for chunk in chunks:
        if left is None:
            yield chunk
            continue
        if len(chunk) >= left:
            yield chunk[:left]
            return
        left -= len(chunk)
        yield chunk
