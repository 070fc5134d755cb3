"""Seats and queues of one level."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiserver.flowcontrol import debug, shuffle
from apiserver.flowcontrol.level import Level, Rejected, Ticket
from apiserver.interfaces import Attributes, UserInfo


def spec(queues: int = 8, hand: int = 2, length: int = 3) -> dict[str, Any]:
    queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": length}
    response = {"type": "Queue", "queuing": queuing} if queues else {"type": "Reject"}
    return {"type": "Limited", "limited": {"limitResponse": response}}


def level(limit: int, **queuing: int) -> Level:
    made = Level("workload", 0.0)
    made.configure("uid", spec(**queuing), 0.0)
    made.limit = limit
    return made


def ticket(flow: str = "eve", at: float = 0.0, seats: int = 1) -> Ticket:
    return Ticket("schema", flow, seats, Attributes(user=UserInfo(flow), verb="list", path="/api/v1/pods"), at)


def entered(here: Level, *tickets: Ticket) -> list[Ticket]:
    for each in tickets:
        here.enter(each)
    return list(tickets)


def test_free_seats_are_taken_at_once_and_others_wait_their_turn() -> None:
    here = level(2)
    one, two, three = entered(here, ticket(), ticket(), ticket())
    assert [each.waits for each in (one, two, three)] == [False, False, True]
    assert (here.load.running, here.load.waiting, here.capacity) == (2, 1, 24)
    here.leave(one, 1.0)
    assert three.started == 1.0
    here.leave(two, 1.0)
    here.leave(three, 2.0)
    assert here.idle
    assert here.in_use == 0
    seen = here.load.reset(2.0)
    assert seen.running == seen.used == {2: 1.0, 1: 1.0}
    assert seen.waiting == {1: 1.0, 0: 1.0}
    assert seen.wanted == {3: 1.0, 1: 1.0}


def test_a_full_queue_and_a_level_without_queues_refuse() -> None:
    here = level(1, queues=1, hand=1, length=2)
    entered(here, ticket(), ticket(), ticket())
    with pytest.raises(Rejected, match="queue-full"):
        here.enter(ticket())
    strict = level(1, queues=0)
    strict.enter(ticket())
    with pytest.raises(Rejected, match="concurrency-limit"):
        strict.enter(ticket())
    assert strict.rejected["schema", "concurrency-limit"] == 1


def test_an_exempt_level_has_no_limit() -> None:
    here = Level("exempt", 0.0)
    here.configure("uid", {"type": "Exempt", "exempt": {}}, 0.0)
    assert not any(each.waits for each in entered(here, *(ticket() for _ in range(100))))


def test_a_flow_that_asks_for_much_does_not_hold_up_one_that_asks_for_little() -> None:
    here = level(1, queues=64, hand=1, length=50)
    crowd = entered(here, *(ticket("elephant", 0.001 * at) for at in range(30)))
    mouse = ticket("mouse", 0.5)
    here.enter(mouse)
    running = crowd[0]
    for now in (1.0, 2.0):
        here.leave(running, now)
        running = next(each for each in (mouse, *crowd) if each.started == now)
    assert running is mouse or mouse.started == 1.0


def test_a_wide_request_waits_until_there_is_room_and_runs_alone_where_there_never_is() -> None:
    here = level(4)
    small, wide = entered(here, ticket(), ticket(seats=4))
    assert [small.waits, wide.waits] == [False, True]
    here.leave(small, 1.0)
    assert wide.started == 1.0
    waiting = ticket(seats=4, at=1.0)
    here.enter(waiting)
    here.limit = 2
    here.leave(wide, 2.0)
    assert not waiting.waits


def test_one_that_gives_up_makes_room() -> None:
    here = level(1, queues=1, hand=1, length=1)
    first, second = entered(here, ticket(), ticket())
    here.give_up(second, "time-out", 1.0)
    third = ticket(at=1.0)
    here.enter(third)
    here.leave(first, 2.0)
    assert second.waits
    assert not third.waits
    assert here.rejected["schema", "time-out"] == 1
    assert here.load.wanted == 1


async def test_requests_that_wait_survive_other_queues_and_are_told_where_there_are_none_left() -> None:
    here = level(1)
    first, second, third = entered(here, ticket(), ticket("a"), ticket("b"))
    for each in (second, third):
        each.turn = asyncio.get_running_loop().create_future()
    here.configure("uid", spec(queues=2, hand=1), 1.0)
    here.leave(first, 2.0)
    waiting = third if third.waits else second
    here.configure("uid", spec(queues=0), 3.0)
    assert waiting.turn is not None
    with pytest.raises(Rejected):
        await waiting.turn
    assert here.inqueue_total == 0


def test_demand_is_seats_in_use_and_waited_for_over_time() -> None:
    here = level(1)
    first, second = entered(here, ticket(), ticket())
    here.leave(first, 10.0)
    here.leave(second, 20.0)
    seen = here.load.reset(20.0)
    assert (seen.average, seen.deviation, seen.high) == (1.5, 0.5, 2)


def test_hands_are_of_different_queues_and_always_the_same() -> None:
    dealt = shuffle.hand("eve", 64, 8)
    assert dealt == shuffle.hand("eve", 64, 8) != shuffle.hand("bob", 64, 8)
    assert len(set(dealt)) == 8
    assert all(0 <= card < 64 for card in dealt)
    assert sorted(shuffle.hand("eve", 4, 8)) == [0, 1, 2, 3]


def test_dumps_show_levels_queues_and_who_waits() -> None:
    here = level(1, queues=1, hand=1)
    entered(here, ticket(), ticket("bob"))
    rows = debug.levels_table([here]).splitlines()
    assert rows[0].startswith("PriorityLevelName, ActiveQueues, IsIdle, ")
    assert rows[1].split() == ["workload,", "1,", "false,", "false,", "1,", "1,", "1,", "0,", "0,", "0"]
    assert debug.queues_table([here]).splitlines()[1].split()[:3] == ["workload,", "0,", "1,"]
    asked = debug.requests_table([here], details=True, clock_began=0.0).splitlines()[1].split()
    assert asked[4:7] == ["bob,", "1970-01-01T00:00:00.000000Z,", "1,"]
    assert "/api/v1/pods," in asked
