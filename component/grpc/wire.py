"""The bytes of one connection: a transport of the event loop under a `Session`, which it keeps an eye on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from component.grpc.errors import ProtocolError
from component.grpc.session import Session

_QUIET_SECONDS = 10.0  #: silence after which the other side is asked for a sign of life (etcd minds less than 5 s)
_GOODBYE_SECONDS = 1.0
_ANSWER_SECONDS = 5.0  #: how long it may take to give one


class Wire(asyncio.Protocol):
    """Made by `loop.create_connection`. `on_free` is called when streams have ended, `on_lost` when all is over.

    Writing is not held back where the transport is slow: HTTP/2's windows bound what is on its way."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_free: Callable[[], None], on_lost: Callable[[Wire], None]
    ) -> None:
        self._loop = loop
        self.session = Session()
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._heard = False
        self._flushing = False
        self._look: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        #: Done when the server has begun to speak HTTP/2; ConnectionError where it did not.
        self.ready: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        self._look = self._loop.call_later(_QUIET_SECONDS, self._look_after)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._heard = True
        before = self.session.streams
        try:
            self.session.receive(data)
        except ProtocolError as error:
            self.session.go_away(error.code)
            self.end(f"the server breaks the rules of HTTP/2: {error}")
            return
        self.flush()
        if self.session.settled and not self.ready.done():
            self.ready.set_result(None)
        if self.session.streams < before:
            self._on_free()
        self._close_if_done()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.end(str(exc) if exc else "the server has closed the connection")
        if not self._ended.done():
            self._ended.set_result(None)

    def flush(self) -> None:
        """Send what the session has to say, together with what else comes up in this turn of the event loop."""
        if self.session.has_output and not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._flushing = False
        output = self.session.take_output()
        if output and self._transport is not None and not self._transport.is_closing():
            self._transport.write(output)

    def cancel(self, stream: int) -> None:
        """Be interested in a stream no more."""
        self.session.cancel(stream)
        self.flush()
        self._on_free()
        self._close_if_done()

    def _close_if_done(self) -> None:
        """After a server's goodbye a connection lasts until the last stream has ended."""
        if self.session.closing and not self.session.streams:
            self.close()

    def close(self) -> None:
        """Say goodbye; what is under way fails."""
        self.session.go_away()
        self.end("the connection is closed")

    def end(self, why: str) -> None:
        """Close the connection; what is under way fails with `why`."""
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why))
            self.ready.exception()  # there may be nobody who waits for it
        if self._look is not None:
            self._look.cancel()
        self._send()
        if self._transport is not None:
            self._transport.close()
        self._on_lost(self)
        self.session.lost(why)

    async def wait_ended(self) -> None:
        """Until the transport is gone, which a server that does not answer delays for a second at most."""
        await asyncio.wait([self._ended], timeout=_GOODBYE_SECONDS)
        if not self._ended.done() and self._transport is not None:
            self._transport.abort()
            await self._ended

    def _look_after(self) -> None:
        """Once in a while: ask a silent server that has calls of ours for a sign of life."""
        asked, wait = not self._heard and self.session.streams > 0, _QUIET_SECONDS
        if asked:
            self.session.ping()
            self.flush()
            wait = _ANSWER_SECONDS
        self._heard = False
        self._look = self._loop.call_later(wait, self._judge if asked else self._look_after)

    def _judge(self) -> None:
        """Whether the sign of life has come."""
        if not self._heard and self._transport is not None:
            self.end("keepalive watchdog timeout")
            self._transport.abort()
            return
        self._look_after()
