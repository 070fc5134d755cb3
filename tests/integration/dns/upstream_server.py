"""A DNS server elsewhere that a test plays: what it is asked is counted, what it says is the test's business."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

import dnslib

#: From a question to the records of its answer; None: no answer at all.
Answers = Callable[[dnslib.DNSRecord], list[dnslib.RR] | None]


class UpstreamServer(asyncio.DatagramProtocol):
    """UDP and TCP on one port of loopback. By UDP an answer that does not fit is truncated."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: Counter[tuple[str, str]] = Counter()  #: by name and protocol
        self.port = 0
        self._udp: Any = None
        self._tcp: asyncio.Server | None = None

    async def __aenter__(self) -> UpstreamServer:
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = self._tcp.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._udp.close()
        if self._tcp is not None:
            self._tcp.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._answer(data, "udp", 512)
        if answer:
            self._udp.sendto(answer, addr)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        answer = self._answer(await reader.readexactly(length), "tcp", 65535)
        writer.write(len(answer).to_bytes(2, "big") + answer)
        await writer.drain()
        writer.close()

    def _answer(self, data: bytes, protocol: str, limit: int) -> bytes:
        question = dnslib.DNSRecord.parse(data)
        self.asked[str(question.q.qname).rstrip("."), protocol] += 1
        records = self.answers(question)
        if records is None:
            return b""
        reply = question.reply(aa=0)
        reply.add_answer(*records)
        packed = bytes(reply.pack())
        return packed if len(packed) <= limit else bytes(reply.truncate().pack())


def address(name: str, data: str, ttl: int = 60) -> dnslib.RR:
    """An A record."""
    return dnslib.RR(name, 1, ttl=ttl, rdata=dnslib.A(data))
