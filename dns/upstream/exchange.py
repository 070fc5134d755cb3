"""One question to one server: by UDP, and by TCP where the answer did not fit.

Each question has a socket, and with it a port, of its own: who wants to forge an answer must guess port and id."""

from __future__ import annotations

import asyncio
import secrets

from dns.upstream.plan import Upstream
from dns.wire.query import Query
from dns.wire.relay import BadResponse, Relayed, read_response
from dns.wire.response import question_message

_MAX_BAD_RESPONSES = 16


class ExchangeError(Exception):
    """The server did not answer; one line says why."""


async def exchange(upstream: Upstream, query: Query, *, timeout_seconds: float) -> Relayed:
    """The server's answer; raises `ExchangeError`. Each of UDP and TCP may take `timeout_seconds`."""
    number = secrets.randbits(16)
    try:
        async with asyncio.timeout(timeout_seconds):
            answer = await _by_udp(upstream, query, number)
        if not answer.truncated:
            return answer
        async with asyncio.timeout(timeout_seconds):
            return await _by_tcp(upstream, query, number)
    except TimeoutError as error:
        raise ExchangeError(f"no answer within {timeout_seconds:g} s") from error
    except (OSError, EOFError, BadResponse) as error:
        raise ExchangeError(str(error) or type(error).__name__) from error


class _UdpExchange(asyncio.DatagramProtocol):
    """Waits for the one datagram that answers the question; others are taken for forgeries and passed over."""

    def __init__(self, query: Query, number: int) -> None:
        self.answer: asyncio.Future[Relayed] = asyncio.get_running_loop().create_future()
        self._query, self._number = query, number
        self._bad = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self.answer.done():
            return
        try:
            self.answer.set_result(read_response(data, self._number, self._query))
        except BadResponse as error:
            self._bad += 1
            if self._bad >= _MAX_BAD_RESPONSES:
                self.answer.set_exception(error)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _by_udp(upstream: Upstream, query: Query, number: int) -> Relayed:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _UdpExchange(query, number), remote_addr=(upstream.address, upstream.port)
    )
    try:
        transport.sendto(question_message(number, query))
        return await protocol.answer
    finally:
        transport.close()


async def _by_tcp(upstream: Upstream, query: Query, number: int) -> Relayed:
    reader, writer = await asyncio.open_connection(upstream.address, upstream.port)
    try:
        message = question_message(number, query)
        writer.write(len(message).to_bytes(2, "big") + message)
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(2), "big")
        return read_response(await reader.readexactly(length), number, query)
    finally:
        writer.close()
