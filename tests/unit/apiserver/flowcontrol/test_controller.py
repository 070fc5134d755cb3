"""The levels follow the objects, and requests get through them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.resources import FLOW_SCHEMAS, PRIORITY_LEVELS
from apiserver.bootstrap import flow
from apiserver.flowcontrol.controller import LEVEL_HEADER, SCHEMA_HEADER, FlowControl
from apiserver.flowcontrol.filter import Fairness
from apiserver.interfaces import Attributes, TooBusy, UserInfo
from tests.unit.apiserver.objects import MemoryLoopback

_EVE = UserInfo("eve", groups=("system:authenticated",))


def asked(verb: str = "get", user: UserInfo = _EVE, path: str = "/api/v1/pods", **fields: Any) -> Attributes:
    return Attributes(user=user, verb=verb, path=path, resource="pods", **fields)


def level(name: str, **limited: Any) -> dict[str, Any]:
    spec = {"type": "Limited", "limited": {"nominalConcurrencyShares": 10, **limited}}
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}


def schema(name: str, level_name: str, precedence: int = 500) -> dict[str, Any]:
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "eve"}}],
        "resourceRules": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
        ],
    }
    spec = {"priorityLevelConfiguration": {"name": level_name}, "matchingPrecedence": precedence, "rules": [rule]}
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}


def test_an_empty_store_has_the_levels_that_there_must_be() -> None:
    control = FlowControl(MemoryLoopback(), 100)
    assert control.find(asked()).level.name == "catch-all"
    admin = UserInfo("admin", groups=("system:masters",))
    assert control.find(asked(user=admin)).level.name == "exempt"


def test_long_requests_are_not_remembered() -> None:
    """Anybody may send any number of them."""
    control = FlowControl(MemoryLoopback(), 100)
    assert control.find(asked()) is control.find(asked())
    long = asked(path="/" + "x" * 5000, is_resource=False)
    assert control.find(long) is not control.find(long)
    assert control.find(long).schema is control.find(long).schema


def test_changes_of_the_objects_change_where_requests_go() -> None:
    loopback = MemoryLoopback(flow.objects())
    control = FlowControl(loopback, 600)
    control.refresh()
    assert control.find(asked()).schema.name == "global-default"
    loopback.put(FLOW_SCHEMAS, schema("mine", "missing"))
    control.refresh()
    assert control.find(asked()).schema.name == "global-default", "a schema without its level does not count"
    loopback.put(PRIORITY_LEVELS, level("missing"))
    assert control.refresh()
    assert (control.find(asked()).schema.name, control.find(asked()).level.name) == ("mine", "missing")
    assert not control.refresh()


async def test_a_level_whose_object_is_gone_ends_with_its_last_request() -> None:
    loopback = MemoryLoopback([*flow.objects(), (PRIORITY_LEVELS, level("mine")), (FLOW_SCHEMAS, schema("s", "mine"))])
    control = FlowControl(loopback, 600)
    limiter = Fairness(control, lambda _: 0, wait_seconds=1)
    permit = await limiter.admit(asked(), {})
    await loopback.delete(PRIORITY_LEVELS, "", "mine")
    control.refresh()
    assert control.levels["mine"].quiescing
    permit.release()
    control.borrow()
    assert "mine" not in control.levels


async def test_requests_wait_are_told_where_they_belong_and_are_sent_away_after_a_while() -> None:
    queuing = {"queues": 1, "handSize": 1, "queueLengthLimit": 1}
    small = level("mine", limitResponse={"type": "Queue", "queuing": queuing})
    loopback = MemoryLoopback([*flow.objects(), (PRIORITY_LEVELS, small), (FLOW_SCHEMAS, schema("s", "mine"))])
    control = FlowControl(loopback, 1)
    control.levels["mine"].limit = 1
    limiter = Fairness(control, lambda _: 0, wait_seconds=0.05)
    first = await limiter.admit(asked(), {})
    assert first.headers == {SCHEMA_HEADER: "uid-s", LEVEL_HEADER: "uid-mine"}
    with pytest.raises(TooBusy) as refused:
        await limiter.admit(asked(), {})
    assert refused.value.headers == {SCHEMA_HEADER: "uid-s", LEVEL_HEADER: "uid-mine", "Retry-After": "1"}
    waiting = asyncio.create_task(limiter.admit(asked(), {}))
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await limiter.admit(asked(), {})
    first.release()
    (await waiting).release()
    left = await limiter.admit(asked(), {})
    leaving = asyncio.create_task(limiter.admit(asked(), {}))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    left.release()
    mine = control.levels["mine"]
    assert mine.idle
    assert (mine.load.running, mine.load.waiting, mine.in_use) == (0, 0, 0)


async def test_lists_take_seats_by_the_objects_they_go_through() -> None:
    control = FlowControl(MemoryLoopback(flow.objects()), 600)
    limiter = Fairness(control, lambda _: 640, wait_seconds=1)
    here = control.levels["global-default"]
    for attributes, query, seats in (
        (asked("list"), {}, 7),
        (asked("list"), {"limit": ["150"]}, 2),
        (asked("list"), {"limit": ["-1"]}, 7),
        (asked("list", name="one"), {}, 1),
        (asked("get"), {}, 1),
    ):
        permit = await limiter.admit(attributes, query)
        assert here.in_use == seats
        permit.release()


async def test_seats_are_lent_to_who_needs_them() -> None:
    control = FlowControl(MemoryLoopback(flow.objects()), 600)
    here = control.levels["global-default"]
    limiter = Fairness(control, lambda _: 0, wait_seconds=5)
    permits = [await limiter.admit(asked(), {}) for _ in range(here.limit)]
    waiting = [asyncio.create_task(limiter.admit(asked(), {})) for _ in range(20)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    control.borrow()
    async with asyncio.timeout(5):
        permits += await asyncio.gather(*waiting)
    for permit in permits:
        permit.release()
    assert here.idle


async def test_statuses_say_whether_the_level_exists() -> None:
    loopback = MemoryLoopback([(PRIORITY_LEVELS, level("there")), (FLOW_SCHEMAS, schema("good", "there")),
                               (FLOW_SCHEMAS, schema("bad", "missing"))])  # fmt: skip
    control = FlowControl(loopback, 10)
    assert await control._write_statuses()
    found = {obj["metadata"]["name"]: obj["status"]["conditions"][0] for obj in loopback.list(FLOW_SCHEMAS)}
    assert (found["good"]["status"], found["good"]["reason"]) == ("False", "Found")
    assert (found["bad"]["status"], found["bad"]["reason"]) == ("True", "NotFound")
    assert found["bad"]["message"].endswith('named "missing" but there is no such object')
    before = loopback.version(FLOW_SCHEMAS)
    assert await control._write_statuses()
    assert loopback.version(FLOW_SCHEMAS) == before, "what is so already is not written"
