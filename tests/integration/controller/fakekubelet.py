"""A kubelet without containers: pods on its nodes become ready at once, deleted ones go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from api.resources import NODES, PODS
from apimachinery.errors import Conflict, NotFound
from apimachinery.objects import Object, format_time, is_deleting, name_of, namespace_of, split_key, uid_of
from client.informer import Informer
from client.rest import RestClient


def node(name: str, *, cpu: str = "4", pods: str = "110", labels: dict[str, str] | None = None) -> Object:
    """A Node object that is ready and has room."""
    room = {"cpu": cpu, "memory": "16Gi", "pods": pods, "ephemeral-storage": "100Gi"}
    now = format_time(datetime.now(UTC))
    ready = {
        "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
        "lastHeartbeatTime": now, "lastTransitionTime": now,
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "status": {"capacity": room, "allocatable": room, "conditions": [ready]},
    }


class FakeKubelet:
    """All nodes' kubelets at once. `failing`: images whose pods never get ready; `silent`: nodes on which nothing is
    done."""

    def __init__(self, client: RestClient) -> None:
        self.failing: set[str] = set()
        self.silent: set[str] = set()
        self._client = client
        self._pods = Informer(client, PODS)
        self._changed: asyncio.Queue[str] = asyncio.Queue()
        self._pods.on_change(self._on_change)

    async def add_node(self, name: str, **options: Any) -> None:
        """Register a node."""
        await self._client.create(NODES, node(name, **options))

    def wake(self, name: str) -> None:
        """A silent node's kubelet works again: it sees to all its pods, whose status is not what it reported last."""
        self.silent.discard(name)
        for pod in self._pods.store.list():
            if pod["spec"].get("nodeName") == name:
                self._changed.put_nowait(f"{namespace_of(pod)}/{name_of(pod)}")

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods.run())
            for _ in range(4):
                group.create_task(self._work())

    def _on_change(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new["spec"].get("nodeName"):
            self._changed.put_nowait(f"{namespace_of(new)}/{name_of(new)}")

    async def _work(self) -> None:
        while True:
            key = await self._changed.get()
            pod = self._pods.store.get(key)
            # By now it may be another pod of that name, which has no node yet.
            place = pod["spec"].get("nodeName") if pod is not None else None
            if pod is None or not place or place in self.silent:
                continue
            try:
                await self._sync(*split_key(key), pod)
            except (NotFound, Conflict):
                continue

    async def _sync(self, namespace: str, name: str, pod: Object) -> None:
        if is_deleting(pod):
            await self._client.delete(PODS, namespace, name, grace_period_seconds=0, uid=uid_of(pod))
            return
        wanted = "Failed" if self.runs_to_end(pod) == 1 else "Succeeded" if self.runs_to_end(pod) == 0 else "Running"
        told = {c["type"]: c["status"] for c in (pod.get("status") or {}).get("conditions") or ()}
        said = told.get("Ready") == told.get("ContainersReady")
        if (pod.get("status") or {}).get("phase") == wanted and said:
            return
        now = format_time(datetime.now(UTC))
        ready = wanted == "Running" and pod["spec"]["containers"][0]["image"] not in self.failing
        conditions = [
            {"type": type, "status": "True" if ready else "False", "lastTransitionTime": now}
            for type in ("Ready", "ContainersReady")
        ]
        address = f"10.1.{abs(hash(key_of_pod(pod))) % 250}.{abs(hash(name)) % 250 + 1}"
        status = {
            "phase": wanted, "startTime": now, "podIP": address, "podIPs": [{"ip": address}], "conditions": conditions
        }  # fmt: skip
        await self._client.patch(
            PODS, namespace, name, {"metadata": {"uid": uid_of(pod)}, "status": status}, patch_type="strategic",
            subresource="status",
        )  # fmt: skip

    @staticmethod
    def runs_to_end(pod: Object) -> int | None:
        """The exit code of pods that end by themselves: images named exit-N."""
        image: str = pod["spec"]["containers"][0]["image"]
        return int(image.removeprefix("exit-")) if image.startswith("exit-") else None


def key_of_pod(pod: Object) -> str:
    """Namespace and uid."""
    return f"{namespace_of(pod)}/{uid_of(pod)}"
