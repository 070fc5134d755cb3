"""How a watch ends."""

from __future__ import annotations

import orjson
import pytest

from apimachinery.objects import Object
from apiserver.http.watchevents import to_the_end
from tests.unit.apiserver.watchcache.conftest import Cluster, pod
from tests.unit.apiserver.watchcache.conftest import cluster as cluster  # a fixture


def view(obj: Object) -> Object:
    """Fails for one object."""
    if obj["metadata"]["name"] == "odd":
        raise KeyError("spec")
    return obj


async def test_what_cannot_be_shown_is_the_last_event(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("even", "odd"):
        await cluster.write(pod(name))
    watcher = cluster.pods.watch("default", after=1, transform=view)
    lines = b"".join([data async for data in to_the_end(watcher)]).splitlines()
    last = orjson.loads(lines[-1])
    assert (last["type"], last["object"]["code"], last["object"]["reason"]) == ("ERROR", 500, "InternalError")
    assert "A watch failed" in caplog.text
