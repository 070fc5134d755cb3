"""/metrics of a server of several processes: whichever worker is asked, the sums of all are answered.

Each worker has a socket to its supervisor. Asked for metrics it asks the supervisor, which asks every worker for its
own and adds them up. The supervisor also keeps what a worker had counted that has ended: sums never go down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket

import orjson
from prometheus_client import REGISTRY

from apimachinery.errors import ServiceUnavailable
from component import exposition
from component.family import Family
from component.merging import lasting, merge

logger = logging.getLogger(__name__)

_PEER_SECONDS = 1.0  #: how long one worker may take; after that its former answer counts
_ANSWER_SECONDS = 3.0  #: how long the supervisor may take
_READY, _GIVE, _OWN, _ALL, _TEXT = b"R", b"G", b"O", b"A", b"T"
_LENGTH_BYTES = 4


class Peer:
    """One end of a socket between worker and supervisor: messages are a letter, a length and a body."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def of(cls, own: socket.socket) -> Peer:
        """On a connected socket, which becomes its own."""
        return cls(*await asyncio.open_connection(sock=own))

    def send(self, letter: bytes, body: bytes = b"") -> None:
        """Without waiting: what is on the way is never more than one answer."""
        self._writer.write(letter + len(body).to_bytes(_LENGTH_BYTES) + body)

    async def receive(self) -> tuple[bytes, bytes]:
        """The next message; raises EOFError where the other side has ended."""
        try:
            head = await self._reader.readexactly(1 + _LENGTH_BYTES)
            return head[:1], await self._reader.readexactly(int.from_bytes(head[1:]))
        except ConnectionError as error:
            raise EOFError from error

    def close(self) -> None:
        """End it."""
        self._writer.close()


def packed(dump: list[Family]) -> bytes:
    """Metrics on their way to another process."""
    return orjson.dumps(dump)


def unpacked(body: bytes) -> list[Family]:
    """The metrics; JSON has no NaN."""
    found: list[Family] = []
    for each in orjson.loads(body):
        samples = {series: math.nan if value is None else value for series, value in each.pop("samples").items()}
        found.append(Family(**each, samples=samples))
    return found


class WorkerEnd:
    """A worker's side."""

    def __init__(self, descriptor: int, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        """`descriptor`: of the socket that the supervisor has left it; `answer_seconds`: how long that may take."""
        self._descriptor = descriptor
        self._answer_seconds = answer_seconds
        self._peer: Peer | None = None
        self._answer: asyncio.Future[bytes] | None = None

    async def run(self) -> None:
        """Give the supervisor what it asks for, until it ends."""
        peer = self._peer = await Peer.of(socket.socket(fileno=self._descriptor))
        peer.send(_READY)
        try:
            while True:
                letter, body = await peer.receive()
                if letter == _GIVE:
                    peer.send(_OWN, packed(exposition.families(REGISTRY)))
                elif self._answer is not None and not self._answer.done():
                    self._answer.set_result(body)
        except EOFError:
            logger.info("The supervisor has ended")
        finally:
            self._peer = None
            peer.close()

    async def text(self) -> bytes:
        """The metrics of all workers; raises ServiceUnavailable: a part must not look like the whole."""
        if self._peer is None:
            raise ServiceUnavailable("the supervisor of the workers is not there")
        if self._answer is None or self._answer.done():
            self._answer = asyncio.get_running_loop().create_future()
            self._peer.send(_ALL)
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await asyncio.shield(self._answer)
        except TimeoutError as error:
            self._answer = None
            raise ServiceUnavailable("the supervisor of the workers does not answer") from error


class _Member:
    """One worker, as the supervisor sees it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.last: list[Family] = []
        self._asked: asyncio.Future[None] | None = None

    async def refresh(self) -> None:
        """Have it tell its metrics; where it takes too long the former ones stay."""
        asked = self._asked
        if asked is None or asked.done():
            asked = self._asked = asyncio.get_running_loop().create_future()
            self.peer.send(_GIVE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PEER_SECONDS):
                await asyncio.shield(asked)

    def told(self, body: bytes) -> None:
        """It has."""
        self.last = unpacked(body)
        self.wait_no_longer()

    def wait_no_longer(self) -> None:
        """There is nothing (more) to wait for."""
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)


class SupervisorEnd:
    """The supervisor's side: adds up."""

    def __init__(self) -> None:
        self._members: set[_Member] = set()
        self._past: list[Family] = []
        self._summing: asyncio.Task[bytes] | None = None

    async def follow(self, own: socket.socket) -> None:
        """Serve one worker until it ends."""
        member = _Member(await Peer.of(own))
        try:
            while True:
                letter, body = await member.peer.receive()
                if letter == _READY:
                    self._members.add(member)
                elif letter == _OWN:
                    member.told(body)
                else:
                    self._answer(member)
        except EOFError:
            self._past = merge([self._past, lasting(member.last)])
            member.wait_no_longer()
        finally:
            self._members.discard(member)
            member.peer.close()

    def _answer(self, member: _Member) -> None:
        """Those who ask at the same time get the same answer."""
        if self._summing is None or self._summing.done():
            self._summing = asyncio.create_task(self._sum(), name="metrics-of-workers")
        self._summing.add_done_callback(lambda done: member.peer.send(_TEXT, done.result()))

    async def _sum(self) -> bytes:
        await asyncio.gather(*(member.refresh() for member in self._members))
        own = exposition.families(REGISTRY)  # this process is a part of the server too
        # A worker that has ended meanwhile is none of the members any more: it counts in the past.
        return exposition.text(merge([own, self._past, *(member.last for member in self._members)]))
