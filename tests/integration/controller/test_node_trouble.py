"""Nodes that fall silent, with the real API server, controller manager and scheduler; heartbeats are the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.resources import CORE_EVENTS, DEPLOYMENTS, LEASES, NODES, PODS, STATEFUL_SETS
from apimachinery.objects import Object, format_micro_time, format_time, is_deleting, name_of
from tests.integration.controller.plane import ControlPlane

UNREACHABLE = "node.kubernetes.io/unreachable"
FLAGS = ("--node-monitor-period=200ms", "--node-monitor-grace-period=4s", "--node-eviction-rate=100")


class Nodes:
    """Nodes of which some send heartbeats."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self._beating = plane, set[str]()

    async def add(self, name: str, **options: Any) -> None:
        """A node that beats."""
        await self.plane.kubelet.add_node(name, **options)
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": _now()}
        meta = {"name": name, "namespace": "kube-node-lease"}
        await self.plane.client.create(
            LEASES, {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": meta, "spec": spec}
        )
        self._beating.add(name)

    def silence(self, *names: str) -> None:
        """They are heard of no more, and their kubelets do nothing."""
        self._beating -= set(names)
        self.plane.kubelet.silent |= set(names)

    async def wake(self, name: str) -> None:
        """It is back: as a kubelet does, it reports its node, and then sees to its pods."""
        now = format_time(datetime.now(UTC))
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now}
        change = {"status": {"conditions": [{**ready, "lastTransitionTime": now}]}}
        await self.plane.client.patch(NODES, "", name, change, patch_type="strategic", subresource="status")
        self._beating.add(name)
        self.plane.kubelet.wake(name)

    async def beat(self) -> None:
        """Renew the leases until cancelled."""
        while True:
            for name in sorted(self._beating):
                change = {"spec": {"renewTime": _now()}}
                await self.plane.client.patch(LEASES, "kube-node-lease", name, change, patch_type="merge")
            await asyncio.sleep(0.3)

    async def get(self, name: str) -> Object:
        """The Node."""
        return await self.plane.client.get(NODES, "", name)

    async def taints(self, name: str) -> set[str]:
        """Its taints as "key:effect"."""
        return {f"{t['key']}:{t['effect']}" for t in (await self.get(name))["spec"].get("taints") or ()}

    async def pods(self, node: str = "") -> list[Object]:
        """The pods of namespace default, or those on one node."""
        items = (await self.plane.client.list(PODS, "default"))["items"]
        return [pod for pod in items if not node or pod["spec"].get("nodeName") == node]

    async def ready_on(self, *names: str) -> int:
        """How many ready pods, not in deletion, these nodes have."""
        return sum(
            pod["spec"].get("nodeName") in names and not is_deleting(pod) and _is_ready(pod)
            for pod in await self.pods()
        )


def _now() -> str:
    return format_micro_time(datetime.now(UTC))


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@asynccontextmanager
async def cluster(folder: Path, *flags: str) -> AsyncIterator[Nodes]:
    async with ControlPlane(folder, *FLAGS, *flags) as plane:
        nodes = Nodes(plane)
        beating = asyncio.create_task(nodes.beat())
        try:
            yield nodes
        finally:
            beating.cancel()
            await asyncio.wait({beating})


def workload(kind: str, replicas: int, seconds: int = 1, **spec: Any) -> Object:
    """A workload whose pods leave an unready node after `seconds`."""
    tolerations = [
        {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
        for name in ("unreachable", "not-ready")
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "nginx"}], "tolerations": tolerations},
            },
            **spec,
        },
    }


async def test_pods_of_a_silent_node_are_replaced_and_go_when_it_returns(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        until = nodes.plane.until
        await nodes.add("n1")
        await nodes.plane.client.create(DEPLOYMENTS, workload("Deployment", 3))
        await until(lambda: _equals(nodes.ready_on("n1"), 3))
        await nodes.add("n2")
        nodes.silence("n1")
        await until(lambda: _equals(nodes.taints("n1"), {f"{UNREACHABLE}:NoSchedule", f"{UNREACHABLE}:NoExecute"}))
        ready = next(c for c in (await nodes.get("n1"))["status"]["conditions"] if c["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
        await until(lambda: _equals(nodes.ready_on("n2"), 3))
        stranded = await nodes.pods("n1")
        assert len(stranded) == 3, "nobody but its kubelet may say that they ended"
        assert all(is_deleting(pod) and not _is_ready(pod) for pod in stranded)
        disrupted = [c for c in stranded[0]["status"]["conditions"] if c["type"] == "DisruptionTarget"]
        assert [c["reason"] for c in disrupted] == ["DeletionByTaintManager"]
        await nodes.wake("n1")
        await until(lambda: _equals(nodes.pods("n1"), []))
        await until(lambda: _equals(nodes.taints("n1"), set()))
        assert await nodes.ready_on("n2") == 3
        events = (await nodes.plane.client.list(CORE_EVENTS, "default"))["items"]
        told = {(event["reason"], event["involvedObject"]["name"]) for event in events}
        assert {("RegisteredNode", "n1"), ("NodeNotReady", "n1")} <= told
        assert "TaintManagerEviction" in {reason for reason, _ in told}


async def test_a_node_that_returns_in_time_keeps_its_pods(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        await nodes.add("n1")
        await nodes.add("n2", labels={"other": "yes"})
        await nodes.plane.client.create(DEPLOYMENTS, workload("Deployment", 2, 300))
        await nodes.plane.until(lambda: _equals(nodes.ready_on("n1", "n2"), 2))
        before = {name_of(pod) for pod in await nodes.pods()}
        busy = (await nodes.pods())[0]["spec"]["nodeName"]
        nodes.silence(busy)
        await nodes.plane.until(lambda: _holds(nodes.taints(busy), f"{UNREACHABLE}:NoExecute"))
        await nodes.wake(busy)
        await nodes.plane.until(lambda: _equals(nodes.taints(busy), set()))
        await nodes.plane.until(lambda: _equals(nodes.ready_on("n1", "n2"), 2))
        assert {name_of(pod) for pod in await nodes.pods()} == before


@pytest.mark.timeout(150)  # pods of a deleted node are given up after a quarantine of 40 s
@pytest.mark.parametrize("remedy", ["out-of-service", "deleted"])
async def test_a_stateful_sets_pod_waits_until_its_node_is_given_up(tmp_path: Path, remedy: str) -> None:
    async with cluster(tmp_path) as nodes:
        await nodes.add("n1")
        await nodes.plane.client.create(STATEFUL_SETS, workload("StatefulSet", 1, serviceName="web"))
        await nodes.plane.until(lambda: _equals(nodes.ready_on("n1"), 1))
        await nodes.add("n2")
        nodes.silence("n1")

        async def in_deletion() -> bool:
            return [is_deleting(pod) for pod in await nodes.pods()] == [True]

        await nodes.plane.until(in_deletion)
        assert await nodes.ready_on("n2") == 0, "two pods of one identity must never run"
        if remedy == "deleted":
            await nodes.plane.client.delete(NODES, "", "n1")
        else:
            taints = (await nodes.get("n1"))["spec"]["taints"]
            taints.append({"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"})
            await nodes.plane.client.patch(NODES, "", "n1", {"spec": {"taints": taints}}, patch_type="merge")
        await nodes.plane.until(lambda: _equals(nodes.ready_on("n2"), 1), 90)
        assert [name_of(pod) for pod in await nodes.pods()] == ["web-0"]


async def test_nothing_is_evicted_when_no_node_answers_or_most_of_a_zone_are_silent(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        names = [f"n{number}" for number in range(5)]
        for name in names:
            await nodes.add(name, labels={"topology.kubernetes.io/zone": "a"})
        # The last heartbeats come one after another: the first to be missed may be alone for a moment, and be evicted
        # from. Its pods tolerate more than that moment.
        await nodes.plane.client.create(DEPLOYMENTS, workload("Deployment", 5, seconds=10))
        await nodes.plane.until(lambda: _equals(nodes.ready_on(*names), 5))

        async def all_have(wanted: set[str], *which: str) -> bool:
            return all([await nodes.taints(name) == wanted for name in which])

        nodes.silence(*names)
        await nodes.plane.until(lambda: all_have({f"{UNREACHABLE}:NoSchedule"}, *names))
        await nodes.plane.until(lambda: _holds(_log(nodes), "entering master disruption mode"))
        await nodes.wake("n0")
        await nodes.plane.until(lambda: _holds(_log(nodes), "leaving master disruption mode"))
        await nodes.plane.until(lambda: _holds(_log(nodes), "PartialDisruption"))
        assert await all_have({f"{UNREACHABLE}:NoSchedule"}, *names[1:])
        assert not any(is_deleting(pod) for pod in await nodes.pods())
        for name in names[1:3]:
            await nodes.wake(name)  # now two of five: few enough
        await nodes.plane.until(lambda: _equals(nodes.ready_on("n0", "n1", "n2"), 5))


async def _equals(answer: Any, wanted: Any) -> bool:
    return bool(await answer == wanted)


async def _holds(answer: Any, wanted: str) -> bool:
    return wanted in await answer


async def _log(nodes: Nodes) -> str:
    return nodes.plane.manager.log()
