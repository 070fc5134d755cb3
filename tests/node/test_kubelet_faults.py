"""The kubelet killed again and again while pods come and go: nothing is doubled, nothing is left behind."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from api.resources import PODS
from tests.node.kubelet_lab import IMAGE, KubeletLab, make_pod

pytestmark = pytest.mark.timeout(300)
_CHURN_SECONDS = 12.0


async def _churn(lab: KubeletLab, rng: random.Random) -> set[str]:
    """Create and delete pods for a while; the names of those that are to stay."""
    alive: set[str] = set()
    end, count = time.monotonic() + _CHURN_SECONDS, 0
    init = [{"name": "i", "image": IMAGE, "command": ["true"]}]
    while time.monotonic() < end:
        if len(alive) < 5 or rng.random() < 0.5:
            name = f"pod-{count}"
            count += 1
            initial = init if rng.random() < 0.3 else []
            await lab.create(make_pod(name, terminationGracePeriodSeconds=1, initContainers=initial))
            alive.add(name)
        else:
            name = rng.choice(sorted(alive))
            alive.discard(name)
            await lab.client.delete(PODS, "default", name, grace_period_seconds=rng.choice([None, 0, 1]))
        await asyncio.sleep(rng.random() * 0.2)
    return alive


async def test_killed_again_and_again_while_pods_come_and_go(lab: KubeletLab) -> None:
    rng = random.Random(1)
    churn = asyncio.create_task(_churn(lab, rng))
    while not churn.done():
        await asyncio.sleep(rng.uniform(0.3, 2.0))
        await lab.kill_kubelet()
        await lab.start_kubelet()
    alive = await churn

    async def converged() -> bool:
        pods = (await lab.client.list(PODS, "default"))["items"]
        ready = [p["status"].get("containerStatuses", [{}])[0].get("ready") for p in pods]
        return {p["metadata"]["name"] for p in pods} == alive and all(ready)

    await lab.until(converged)
    pods = (await lab.client.list(PODS, "default"))["items"]
    assert [p["status"]["containerStatuses"][0]["restartCount"] for p in pods] == [0] * len(alive)
    assert len({p["status"]["podIP"] for p in pods}) == len(alive)

    async def nothing_leaked() -> bool:
        records = await lab.docker.list_containers({})
        boxes = sorted(record.pod_name for record in records if record.sandbox)
        mains = sorted(record.pod_name for record in records if record.name == "c")
        directories = len(list((lab.root_dir / "pods").iterdir()))
        addresses = len(list((lab.root_dir / "network").glob("*.json")))
        return boxes == mains == sorted(alive) and directories == addresses == len(alive)

    await lab.until(nothing_leaked)
    for name in sorted(alive):
        await lab.client.delete(PODS, "default", name)
    await lab.wait_nothing_left()
