"""Calls to an etcd cluster: one channel per endpoint, a time limit on each call, the next endpoint where one fails.

The only place that knows gRPC's errors; everything else sees `StorageError`s. A read is repeated until its time is
over, a write only where it certainly was not sent. `store.py` has what is asked."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Programs that this process starts must not make gRPC think that it was forked; and its own log on stderr is of no use,
# as our errors say the same. It reads these when it is imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
import grpc.aio

from apiserver.storage.etcd3.grpcmetrics import Calls, go_code
from apiserver.storage.interface import Compacted, FutureRevision, StorageError, Unavailable

logger = logging.getLogger(__name__)

_CALL_SECONDS = 10.0
_TRY_SECONDS = 3.0  #: of one endpoint, where there are several
_PAUSE_SECONDS = 0.1
_MAX_MESSAGE = 512 << 20
_NEVER_SENT = ("failed to connect", "Connection refused", "connections to all backends failing")
_CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    ("grpc.max_send_message_length", _MAX_MESSAGE),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3000),  # in truth the time limit of a connection attempt, TLS included
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 10_000),  # etcd refuses pings more often than every 5 s
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
]
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

    def __init__(self, endpoints: Sequence[str], credentials: grpc.ChannelCredentials | None) -> None:
        if not endpoints:
            raise ValueError("etcd needs at least one endpoint")
        self._channels = [_open_channel(endpoint, credentials) for endpoint in endpoints]
        self._calls: list[dict[str, Any]] = [{} for _ in self._channels]
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
                answer = await self._unary(endpoint, method)(request, timeout=limit, metadata=REQUIRE_LEADER)
            except asyncio.CancelledError:
                counts.failed("Canceled")
                raise self.cancellation() from None
            except grpc.aio.AioRpcError as error:
                tries += 1
                counts.failed(go_code(error.code().name))
                problem = translate(error)
                self.move_on(endpoint)
                again = isinstance(problem, Unavailable) and (method.repeatable or _was_never_sent(error))
                if not again or loop.time() + _PAUSE_SECONDS >= deadline:
                    raise problem from error
            else:
                counts.answered()
                return answer
            if tries % len(self._channels) == 0:
                await asyncio.sleep(_PAUSE_SECONDS)

    def open_stream(self, name: str, encode: Any, decode: Any) -> tuple[int, Any, Calls]:
        """A bidirectional stream on the endpoint in use, which that is, and where its messages are counted."""
        if self.closed:
            raise Unavailable("the connection to etcd is closed")
        multi = self._channels[self._current].stream_stream(
            name, request_serializer=encode, response_deserializer=decode
        )
        counts = self._count(name, "bidi_stream")
        counts.started.inc()
        return self._current, multi(metadata=REQUIRE_LEADER), counts

    def move_on(self, endpoint: int) -> None:
        """This endpoint did not answer: use the next, unless somebody else has moved on already."""
        if endpoint == self._current:
            self._current = (endpoint + 1) % len(self._channels)

    def cancellation(self) -> BaseException:
        """What a CancelledError in a call means: this task is cancelled, or the channel was closed under it."""
        task = asyncio.current_task()
        if self.closed and not (task and task.cancelling()):
            return Unavailable("the connection to etcd is closed")
        return asyncio.CancelledError()

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

    def _unary(self, endpoint: int, method: Method) -> Any:
        call = self._calls[endpoint].get(method.name)
        if call is None:
            call = self._calls[endpoint][method.name] = self._channels[endpoint].unary_unary(
                method.name, request_serializer=method.encode, response_deserializer=method.decode
            )
        return call


def translate(error: grpc.aio.AioRpcError) -> StorageError:
    """What a gRPC error means for the store's user."""
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.OUT_OF_RANGE:
        return FutureRevision(details) if "future" in details else Compacted(details)
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.NOT_FOUND):
        return StorageError(details)
    return Unavailable(f"etcd: {details or code.name}")


def _was_never_sent(error: grpc.aio.AioRpcError) -> bool:
    details = error.details() or ""
    return error.code() is grpc.StatusCode.UNAVAILABLE and any(text in details for text in _NEVER_SENT)


def _open_channel(endpoint: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    url = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    target = f"unix:{url.path}" if url.scheme == "unix" else url.netloc
    if url.scheme != "https":
        return grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(target, credentials or grpc.ssl_channel_credentials(), options=_CHANNEL_OPTIONS)


def read_credentials(files: TlsFiles) -> grpc.ChannelCredentials | None:
    """TLS credentials of the files (blocking); None where no file is named; raises OSError."""
    if not (files.cafile or files.certfile or files.keyfile):
        return None

    def read(path: str) -> bytes | None:
        return Path(path).read_bytes() if path else None

    return grpc.ssl_channel_credentials(read(files.cafile), read(files.keyfile), read(files.certfile))
