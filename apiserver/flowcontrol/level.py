"""One priority level: the seats in use, and fair queues of the requests that wait for one.

While seats are free and nobody waits, a request takes its seats and nothing else happens. Otherwise it joins the
shortest queue of its flow's hand. Freed seats go to the queue whose next request would be done first if all queues were
served at the same time, each with an equal part of the seats (KEP-1040, "Fair Queuing for Server Requests")."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from apimachinery.objects import Object
from apimachinery.remembering import LONGEST
from apiserver.flowcontrol import shuffle
from apiserver.flowcontrol.demand import Load
from apiserver.interfaces import Attributes

_GUESSED_SECONDS = 0.003  #: how long a request is taken to last when it is dispatched
_HANDS_KEPT = 4096


@dataclass(eq=False, slots=True)
class Ticket:
    """One request at one level."""

    schema: str
    flow: str
    seats: int
    attributes: Attributes
    arrived: float  #: seconds of the loop's clock
    started: float = -1.0  #: when it got its seats; below 0: it waits
    queue: _Queue | None = None
    turn: asyncio.Future[None] | None = None  #: done once it is its turn

    @property
    def waits(self) -> bool:
        """Whether it has no seats yet."""
        return self.started < 0


@dataclass(eq=False, slots=True)
class _Queue:
    index: int
    waiting: deque[Ticket] = field(default_factory=deque)
    executing: int = 0
    seats: int = 0  #: that its requests occupy
    next_at: float = 0.0  #: virtual time at which the next request begins


class Rejected(Exception):
    """A request that can neither be carried out nor wait; `reason` as in the metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Level:
    """Seats and queues of a PriorityLevelConfiguration. All times are seconds of one clock."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.uid = ""
        self.exempt = False
        self.limit = 0  #: seats at present, with what is lent and borrowed
        self.quiescing = False  #: its object is gone; it ends with its last request
        self.load = Load(now)
        self.executing: Counter[str] = Counter()  #: requests by schema
        self.occupied: Counter[str] = Counter()  #: seats by schema
        self.inqueue: Counter[str] = Counter()
        self.dispatched: Counter[str] = Counter()
        self.rejected: Counter[tuple[str, str]] = Counter()  #: by schema and reason
        self.virtual_time = 0.0
        self._moved = now
        self._queues: list[_Queue] = []
        self._hand_size = 0
        self._queue_limit = 0
        self._hands: dict[tuple[str, str], tuple[int, ...]] = {}

    def configure(self, uid: str, spec: Object, now: float) -> None:
        """Take over a PriorityLevelConfiguration's spec; requests that wait go on waiting."""
        self.uid, self.exempt, self.quiescing = uid, spec.get("type") == "Exempt", False
        queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing") or {}
        self._hand_size, self._queue_limit = queuing.get("handSize") or 0, queuing.get("queueLengthLimit") or 0
        wanted = queuing.get("queues") or 0
        if wanted == len(self._queues):
            return
        waiting = sorted((ticket for queue in self._queues for ticket in queue.waiting), key=lambda each: each.arrived)
        self._hands.clear()
        self._queues = [_Queue(index, next_at=self.virtual_time) for index in range(wanted)]
        for ticket in waiting:
            if wanted:
                self._join(ticket, now)
            else:  # nobody may wait here any more
                self.inqueue[ticket.schema] -= 1
                self.load.change(now, waiting=-1, wanted=-ticket.seats)
                self.rejected[ticket.schema, "concurrency-limit"] += 1
                if ticket.turn is not None and not ticket.turn.done():
                    ticket.turn.set_exception(Rejected("concurrency-limit"))

    @property
    def idle(self) -> bool:
        """Whether no request is here."""
        return not self.executing.total() and not self.inqueue.total()

    @property
    def capacity(self) -> int:
        """How many requests may wait."""
        return len(self._queues) * self._queue_limit

    @property
    def in_use(self) -> int:
        """Seats in use."""
        return self.load.used

    @property
    def queues(self) -> Iterator[_Queue]:
        """The queues, in their order."""
        return iter(self._queues)

    def enter(self, ticket: Ticket) -> None:
        """Take seats, or a place in a queue (`ticket.waits` then); raises Rejected."""
        now, load = ticket.arrived, self.load
        if not self.exempt:
            ticket.seats = max(1, min(ticket.seats, self.limit))
        seats = ticket.seats
        if self.exempt or (not self.inqueue_total and load.used + seats <= self.limit):
            load.change(now, seats, 1, 0, seats)
            self._start(ticket, now)
            return
        if not self._queues:
            self.rejected[ticket.schema, "concurrency-limit"] += 1
            raise Rejected("concurrency-limit")
        if not self._join(ticket, now):
            self.rejected[ticket.schema, "queue-full"] += 1
            raise Rejected("queue-full")
        self.inqueue[ticket.schema] += 1
        load.change(now, waiting=1, wanted=seats)
        self.serve(now)

    @property
    def inqueue_total(self) -> int:
        """How many requests wait."""
        return self.inqueue.total() if self.inqueue else 0

    def _start(self, ticket: Ticket, now: float) -> None:
        ticket.started = now
        self.executing[ticket.schema] += 1
        self.occupied[ticket.schema] += ticket.seats
        self.dispatched[ticket.schema] += 1

    def _join(self, ticket: Ticket, now: float) -> bool:
        """Wait in the shortest queue of the flow's hand; whether there is room."""
        flow = (ticket.schema, ticket.flow)
        hand = self._hands.get(flow)
        if hand is None:
            hand = shuffle.hand("\0".join(flow), len(self._queues), self._hand_size)
            if len(ticket.flow) <= LONGEST:
                if len(self._hands) >= _HANDS_KEPT:
                    self._hands.clear()
                self._hands[flow] = hand
        queue = min((self._queues[index] for index in hand), key=lambda each: (len(each.waiting), each.seats))
        if len(queue.waiting) >= self._queue_limit:
            return False
        self._advance(now)
        if not queue.waiting and not queue.executing:
            queue.next_at = self.virtual_time
        queue.waiting.append(ticket)
        ticket.queue = queue
        return True

    def _advance(self, now: float) -> None:
        """Move virtual time on: as fast as each of the busy queues is served."""
        elapsed, self._moved = now - self._moved, now
        busy = sum(1 for queue in self._queues if queue.waiting or queue.executing)
        if busy and elapsed > 0:
            wanted = self.in_use + sum(ticket.seats for queue in self._queues for ticket in queue.waiting)
            self.virtual_time += elapsed * min(wanted, self.limit) / busy

    def serve(self, now: float) -> None:
        """Give free seats to those who wait."""
        while self.inqueue_total and self.in_use < self.limit:
            queue = min(
                (each for each in self._queues if each.waiting),
                key=lambda each: each.next_at + each.waiting[0].seats * _GUESSED_SECONDS,
            )
            ticket = queue.waiting[0]
            # One that is wider than the limit, which has shrunk meanwhile, starts when nothing else runs.
            if self.in_use and self.in_use + ticket.seats > self.limit:
                return
            self._advance(now)
            queue.waiting.popleft()
            queue.next_at += ticket.seats * _GUESSED_SECONDS
            queue.executing += 1
            queue.seats += ticket.seats
            self.inqueue[ticket.schema] -= 1
            self.load.change(now, used=ticket.seats, running=1, waiting=-1)
            self._start(ticket, now)
            if ticket.turn is not None and not ticket.turn.done():
                ticket.turn.set_result(None)

    def give_up(self, ticket: Ticket, reason: str, now: float) -> None:
        """A request that waits leaves its queue: its client has left ("cancelled") or its time is over ("time-out")."""
        if ticket.queue is None or ticket not in ticket.queue.waiting:
            return
        self._advance(now)
        ticket.queue.waiting.remove(ticket)
        self.inqueue[ticket.schema] -= 1
        self.load.change(now, waiting=-1, wanted=-ticket.seats)
        self.rejected[ticket.schema, reason] += 1

    def leave(self, ticket: Ticket, now: float) -> None:
        """A request is done; those who wait may have its seats."""
        queue = ticket.queue
        if queue is not None:
            self._advance(now)
            queue.executing -= 1
            queue.seats -= ticket.seats
            queue.next_at += ticket.seats * (now - ticket.started - _GUESSED_SECONDS)
        self.load.change(now, used=-ticket.seats, running=-1, wanted=-ticket.seats)
        self.executing[ticket.schema] -= 1
        self.occupied[ticket.schema] -= ticket.seats
        if self.inqueue:
            self.serve(now)
