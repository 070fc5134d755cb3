"""Questions by UDP."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import Any

from dns import metrics
from dns.clients import ClientFilter
from dns.responder import Responder
from dns.wire.query import BadQuery, NotAQuery, Query, parse_query
from dns.wire.response import empty_response
from dns.zone.records import REFUSED, SERVFAIL

logger = logging.getLogger(__name__)
_RECEIVE_BUFFER_BYTES = 4 << 20


class UdpServer(asyncio.DatagramProtocol):
    """Answers datagrams; at most `max_waiting` of them wait for other servers at a time."""

    def __init__(self, responder: Responder, clients: ClientFilter, *, server: str, max_waiting: int) -> None:
        self._responder = responder
        self._clients = clients
        self._server = server
        self._max_waiting = max_waiting
        self._waiting: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self._family = "1"

    async def listen(self, address: str, port: int) -> int:
        """Serve address:port; the port (another than asked for where that is 0). Raises OSError."""
        self._family = "2" if ":" in address else "1"
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(address, port))
        self._transport = transport
        sock = transport.get_extra_info("socket")
        # A burst must not be lost while one answer is computed.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        return int(sock.getsockname()[1])

    async def close(self) -> None:
        """Stop listening, and give up what waits."""
        if self._transport is not None:
            self._transport.close()
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        started = time.monotonic()
        if not self._clients.allows(addr[0]):
            metrics.STRANGERS.labels("udp").inc()
            return
        try:
            query = parse_query(data)
        except NotAQuery:
            return
        except BadQuery as bad:
            self._send(bad.response, addr)
            metrics.served(self._server, "dropped", "udp", self._family, 0, len(data), bad.response, 0.0)
            return
        try:
            answer = self._responder.answer_now(query, query.udp_bytes)
        except Exception:
            # One question that trips over a fault of ours must not end the service to all others.
            logger.exception("A question could not be answered", extra={"question": query.labels})
            answer = empty_response(query, SERVFAIL)
        if answer is not None:
            self._send(answer, addr)
            self._count(query, len(data), answer, started)
        elif len(self._waiting) >= self._max_waiting:
            metrics.FORWARD_REJECTS.inc()
            answer = empty_response(query, REFUSED)
            self._send(answer, addr)
            self._count(query, len(data), answer, started)
        else:
            task = asyncio.create_task(self._later(query, len(data), addr, started), name="dns-udp-answer")
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    def error_received(self, exc: Exception) -> None:
        # The ICMP answer to a response of ours: its client is gone.
        logger.debug("A response did not arrive", extra={"error": str(exc)})

    async def _later(self, query: Query, size: int, addr: Any, started: float) -> None:
        try:
            answer = await self._responder.answer_later(query, query.udp_bytes)
        except Exception:
            logger.exception("A question could not be answered", extra={"question": query.labels})
            answer = empty_response(query, SERVFAIL)
        self._send(answer, addr)
        self._count(query, size, answer, started)

    def _send(self, message: bytes, addr: Any) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message, addr)

    def _count(self, query: Query, size: int, answer: bytes, started: float) -> None:
        zone, seconds = self._responder.zone_of(query), time.monotonic() - started
        metrics.served(self._server, zone, "udp", self._family, query.qtype, size, answer, seconds)
