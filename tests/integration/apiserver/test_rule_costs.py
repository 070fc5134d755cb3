"""Rules and objects that are meant to keep the server busy: they are cut off, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from api.resources import NAMESPACES
from apimachinery.errors import Invalid
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.integration.apiserver.definitions import definition, establish, version

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOPS = Resource("busy.example.com", "v1", "loops", "Loop")
_SECONDS = 1.5


def _loops() -> Object:
    numbers = {"type": "array", "maxItems": 1000, "items": {"type": "integer"}}
    made = version("v1", {"l": numbers}, storage=True)
    rule = {"rule": "self.l.all(a, self.l.all(b, b >= 0))"}
    made["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"] = [rule]
    return definition("loops.busy.example.com", "Loop", [made])


def _loop(name: str, size: int) -> Object:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": LOOPS.api_version, "kind": "Loop", "metadata": metadata, "spec": {"l": list(range(size))}}


async def _longest_wait(api: RestClient, until: asyncio.Task[object]) -> float:
    longest = 0.0
    while not until.done():
        started = time.monotonic()
        await api.get(NAMESPACES, "", "default")
        longest = max(longest, time.monotonic() - started)
        await asyncio.sleep(0.01)
    return longest


async def test_a_costly_rule_is_cut_off_while_others_are_answered(api: RestClient) -> None:
    await establish(api, _loops(), LOOPS)
    await api.create(LOOPS, _loop("small", 100))
    busy = asyncio.create_task(api.create(LOOPS, _loop("large", 1000)))
    assert await _longest_wait(api, busy) < _SECONDS
    with pytest.raises(Invalid, match="operation cancelled: actual cost limit exceeded': no further validation rules"):
        await busy
