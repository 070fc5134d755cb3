"""An HTTPS server that tests answer webhook calls with, in the test's own event loop."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from aiohttp import web

from apimachinery.objects import Object
from component.selfsigned import self_signed
from tests.ports import free_port

#: From the request's path and decoded body to the answer: a review to send, or a whole response.
Answer = Callable[[str, Object], Awaitable[Object | web.Response]]


class WebhookServer:
    """Where it listens, and what clients must trust."""

    def __init__(self, port: int, bundle: bytes) -> None:
        self.port = port
        self.ca_bundle = base64.b64encode(bundle).decode()

    def client_config(self, path: str) -> Object:
        """The clientConfig that leads to a path of this server."""
        return {"url": f"https://127.0.0.1:{self.port}/{path.lstrip('/')}", "caBundle": self.ca_bundle}


@asynccontextmanager
async def webhook_server(folder: Path, answer: Answer, *names: str) -> AsyncIterator[WebhookServer]:
    """A server whose certificate is for 127.0.0.1 and `names`."""
    certificate, key = self_signed("webhook", ["127.0.0.1", *names])
    pem = folder / "webhook.pem"
    pem.write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    async def handle(request: web.Request) -> web.Response:
        made = await answer(request.path, orjson.loads(await request.read()))
        if isinstance(made, web.Response):
            return made
        return web.Response(body=orjson.dumps(made), content_type="application/json")

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/{tail:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield WebhookServer(port, certificate)
    finally:
        await runner.cleanup()
