"""What the request chain asks: may this request be carried out, now or after a while?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from apiserver.flowcontrol import metrics, width
from apiserver.flowcontrol.controller import FlowControl
from apiserver.flowcontrol.level import Level, Rejected, Ticket
from apiserver.http.limits import READS, UnderWay
from apiserver.interfaces import Attributes, Permit, TooBusy

#: How many objects a list goes through.
Counted = Callable[[Attributes], int]
_MOST_DIGITS = 19  #: of a 64-bit number


class Fairness:
    """`apiserver.interfaces.Limiter` by priority and fairness."""

    def __init__(self, control: FlowControl, counted: Counted, *, wait_seconds: float) -> None:
        """`wait_seconds`: the longest time in a queue."""
        self._control = control
        self._counted = counted
        self._wait_seconds = wait_seconds
        self._under_way = UnderWay()

    async def admit(self, attributes: Attributes, query: Mapping[str, Sequence[str]]) -> Permit:
        """Take seats, at once or when it is this request's turn; raises TooBusy."""
        place = self._control.find(attributes)
        schema, level = place.schema, place.level
        seats = 1
        if attributes.verb == "list" and not attributes.name:
            seats = width.of_list(self._counted(attributes), _limit(query))
        metrics.estimated(level.name, schema.name, seats)
        ticket = Ticket(schema.name, schema.flow(attributes), seats, attributes, time.monotonic())
        try:
            level.enter(ticket)
            if ticket.waits:
                await self._wait(level, ticket)
        except Rejected as error:
            raise TooBusy(place.headers) from error
        return _Seated(level, ticket, place.headers, self._under_way.now, attributes.verb in READS)

    async def _wait(self, level: Level, ticket: Ticket) -> None:
        waiting = self._under_way.waiting
        read = ticket.attributes.verb in READS
        waiting[read] += 1
        ticket.turn = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await ticket.turn
        except TimeoutError as error:
            _withdraw(level, ticket, "time-out")
            raise Rejected("time-out") from error
        except asyncio.CancelledError:
            _withdraw(level, ticket, "cancelled")
            raise
        finally:
            waiting[read] -= 1
            waited = time.monotonic() - ticket.arrived
            metrics.waited(level.name, ticket.schema, waited, executed=not ticket.waits)


def _withdraw(level: Level, ticket: Ticket, reason: str) -> None:
    """Leave the queue, or give back the seats that came in the same moment."""
    now = time.monotonic()
    if ticket.waits:
        level.give_up(ticket, reason, now)
    else:
        level.leave(ticket, now)


def _limit(query: Mapping[str, Sequence[str]]) -> int:
    """The limit; 0 for one that is none, which is told where the list is made."""
    text = query["limit"][0] if "limit" in query else ""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0


class _Seated:
    """A request that is carried out."""

    __slots__ = ("_level", "_now", "_read", "_ticket", "headers", "waited")

    def __init__(
        self, level: Level, ticket: Ticket, headers: Mapping[str, str], now: dict[bool, int], read: bool
    ) -> None:
        self.headers = headers
        self._level = level
        self._ticket: Ticket | None = ticket
        self.waited = ticket.started - ticket.arrived
        self._now = now
        self._read = read
        now[read] += 1

    def release(self) -> None:
        """Give back the seats."""
        ticket = self._ticket
        if ticket is None:
            return
        self._ticket = None
        self._now[self._read] -= 1
        now = time.monotonic()
        self._level.leave(ticket, now)
        metrics.executed(self._level.name, ticket.schema, now - ticket.started, ticket.attributes.verb)
