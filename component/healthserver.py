"""The small HTTP server of a daemon: /healthz /livez /readyz, /metrics, /version and /configz, on aiohttp."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import ssl
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import web

from component import metrics
from component.health import HealthChecks
from component.version import version_info

logger = logging.getLogger(__name__)
_CERTIFICATE_SECONDS = 30.0


class HealthServer:
    """Serves one daemon's health, until closed."""

    def __init__(
        self,
        name: str,
        checks: HealthChecks,
        configuration: Mapping[str, Any],
        *,
        texts: Mapping[str, str] = MappingProxyType({}),
        aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._name = name
        self._checks = checks
        self._configuration = configuration
        self._texts = texts
        self._endpoints = {name: name for name in ("healthz", "livez", "readyz")} | dict(aliases)
        self._runner: web.AppRunner | None = None

    async def start(self, address: str, port: int, *, context: ssl.SSLContext | None = None) -> None:
        """Listen; raises OSError whose text is one line that names address and port."""
        app = web.Application()
        for endpoint in self._endpoints:
            app.router.add_get(f"/{endpoint}", self._health)
            app.router.add_get(f"/{endpoint}/{{check:.+}}", self._health)
        app.router.add_get("/version", self._version)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/configz", self._configz)
        for path in self._texts:
            app.router.add_get(path, self._text)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, address, port, ssl_context=context).start()
        except OSError as error:
            await runner.cleanup()
            why = "address already in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
            raise OSError(f"failed to listen on {address}:{port}: {why}") from error
        self._runner = runner
        logger.info("Serving health and metrics", extra={"address": f"{address}:{port}", "tls": context is not None})

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, request: web.Request) -> web.Response:
        endpoint = self._endpoints[request.path.split("/")[1]]
        answer = await self._checks.answer(
            endpoint,
            name=request.match_info.get("check", ""),
            verbose="verbose" in request.query,
            exclude=request.query.getall("exclude", []),
        )
        headers = {"Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff"}
        return web.Response(status=answer.status, text=answer.text, headers=headers)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _text(self, request: web.Request) -> web.Response:
        return web.Response(text=self._texts[request.path], headers={"X-Content-Type-Options": "nosniff"})

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response(version_info())

    async def _configz(self, request: web.Request) -> web.Response:
        return web.json_response(
            {self._name: dict(self._configuration)}, dumps=lambda value: json.dumps(value, default=str)
        )


async def serving_context(name: str, cert_file: str = "", key_file: str = "") -> ssl.SSLContext:
    """A TLS context from the given files, or from a certificate made for this process alone.

    It is made in a process of its own: the library for it would stay in memory for as long as the daemon runs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file:
        context.load_cert_chain(cert_file, key_file or None)
        return context
    with tempfile.TemporaryDirectory(prefix=f"{name}-tls-") as directory:
        command = (sys.executable, "-m", "component.selfsigned", directory, name)
        process = await asyncio.create_subprocess_exec(*command)
        try:
            code = await asyncio.wait_for(process.wait(), _CERTIFICATE_SECONDS)
        except TimeoutError:
            process.kill()
            code = await process.wait()
        if code:
            raise OSError(f"could not make a serving certificate (exit code {code})")
        context.load_cert_chain(Path(directory) / "tls.crt", Path(directory) / "tls.key")
    return context
