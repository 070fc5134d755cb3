"""Calls to an etcd cluster: one channel per endpoint, a time limit on each call, the next endpoint where one fails.

The only place that knows what gRPC's errors mean; everything else sees `StorageError`s. A read is repeated until its
time is over, a write only where it certainly was not sent. `store.py` has what is asked."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from apiserver.storage.etcd3.grpcmetrics import Calls
from apiserver.storage.interface import Compacted, FutureRevision, StorageError, Unavailable
from component.grpc import Channel, Code, GrpcError, Stream

logger = logging.getLogger(__name__)

_CALL_SECONDS = 10.0
_TRY_SECONDS = 3.0  #: of one endpoint, where there are several
_PAUSE_SECONDS = 0.1
_DEFAULT_PORT = 2379
#: A member that has lost its leader is to say so rather than to keep a call waiting.
REQUIRE_LEADER = (("hasleader", "true"),)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of the connection to etcd; "" where there is none."""

    cafile: str = ""
    certfile: str = ""
    keyfile: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """One unary call: its gRPC name, its messages' codecs, and whether it may be sent twice."""

    name: str
    encode: Any
    decode: Any
    repeatable: bool


class Connection:
    """The channels, and which endpoint is in use."""

    def __init__(self, endpoints: Sequence[str], tls: ssl.SSLContext | None) -> None:
        if not endpoints:
            raise ValueError("etcd needs at least one endpoint")
        self._channels = [_channel(endpoint, tls) for endpoint in endpoints]
        self._counts: dict[str, Calls] = {}
        self._current = 0
        self.closed = False

    async def call(self, method: Method, request: Any) -> Any:
        """The answer; raises `StorageError`s."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CALL_SECONDS
        counts = self._count(method.name, "unary")
        tries = 0
        while True:
            if self.closed:
                raise Unavailable("the connection to etcd is closed")
            endpoint = self._current
            left = deadline - loop.time()
            limit = min(left, _TRY_SECONDS) if len(self._channels) > 1 and method.repeatable else left
            counts.asked()
            try:
                answer = await self._channels[endpoint].unary(
                    method.name, method.encode(request), timeout=limit, metadata=REQUIRE_LEADER
                )
            except asyncio.CancelledError:
                counts.failed(Code.Canceled)
                raise
            except GrpcError as error:
                tries += 1
                counts.failed(error.code)
                problem = translate(error)
                self.move_on(endpoint)
                again = isinstance(problem, Unavailable) and (method.repeatable or not error.sent)
                if not again or loop.time() + _PAUSE_SECONDS >= deadline:
                    raise problem from error
            else:
                counts.answered()
                return method.decode(answer)
            if tries % len(self._channels) == 0:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def open_stream(self, name: str, message: bytes) -> tuple[int, Stream, Calls]:
        """A stream that begins with a message, the endpoint that it is on, and where its messages are counted.

        Raises GrpcError, after moving on to the next endpoint, where there is no connection."""
        if self.closed:
            raise Unavailable("the connection to etcd is closed")
        endpoint = self._current
        counts = self._count(name, "bidi_stream")
        counts.asked()
        try:
            stream = await self._channels[endpoint].stream(name, message, metadata=REQUIRE_LEADER)
        except GrpcError as error:
            counts.failed(error.code)
            self.move_on(endpoint)
            raise
        return endpoint, stream, counts

    def move_on(self, endpoint: int) -> None:
        """This endpoint did not answer: use the next, unless somebody else has moved on already."""
        if endpoint == self._current:
            self._current = (endpoint + 1) % len(self._channels)

    async def close(self) -> None:
        """End all calls."""
        self.closed = True
        for channel in self._channels:
            await channel.close()

    def _count(self, name: str, kind: str) -> Calls:
        found = self._counts.get(name)
        if found is None:
            found = self._counts[name] = Calls(name, kind)
        return found


def translate(error: GrpcError) -> StorageError:
    """What a gRPC error means for the store's user."""
    if error.code is Code.OutOfRange:
        return FutureRevision(error.message) if "future" in error.message else Compacted(error.message)
    if error.code in (Code.InvalidArgument, Code.ResourceExhausted, Code.NotFound):
        return StorageError(error.message)
    return Unavailable(f"etcd: {error.message or error.code.name}")


def _channel(endpoint: str, tls: ssl.SSLContext | None) -> Channel:
    url = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    if url.scheme == "unix":
        return Channel("", 0, path=url.path)
    secured = (tls or _default_tls()) if url.scheme == "https" else None
    return Channel(url.hostname or "", url.port or _DEFAULT_PORT, tls=secured)


def _default_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    return context


def read_tls(files: TlsFiles) -> ssl.SSLContext | None:
    """TLS with these files (blocking); None where no file is named; raises OSError."""
    if not (files.cafile or files.certfile or files.keyfile):
        return None
    context = ssl.create_default_context(cafile=files.cafile or None)
    context.set_alpn_protocols(["h2"])
    if files.certfile or files.keyfile:
        context.load_cert_chain(files.certfile or files.keyfile, files.keyfile or None)
    return context
