"""cordon, drain and uncordon with the real kubectl, disruption budgets, and fake kubelets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.resources import DAEMON_SETS, DEPLOYMENTS, POD_DISRUPTION_BUDGETS, PODS
from apimachinery.objects import Object
from tests.integration.controller.plane import ControlPlane
from tests.kubectl import CURRENT, OLD, Kubectl


@pytest.fixture(params=[pytest.param(OLD, id="1.20"), pytest.param(CURRENT, id="current")])
def binary(request: pytest.FixtureRequest) -> str:
    """A kubectl."""
    return str(request.param)


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with ControlPlane(tmp_path) as plane:
        yield plane


def workload(kind: str, name: str, **spec: object) -> Object:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


async def test_a_drained_node_is_empty_and_the_budget_was_kept(
    plane: ControlPlane, binary: str, tmp_path: Path
) -> None:
    kubectl = Kubectl(binary, kubeconfig=str(tmp_path / "kubeconfig"))
    await plane.kubelet.add_node("n1")
    await plane.client.create(DEPLOYMENTS, workload("Deployment", "web", replicas=3))
    await plane.client.create(DAEMON_SETS, workload("DaemonSet", "agent"))
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    meta = {"name": "web", "namespace": "default"}
    await plane.client.create(
        POD_DISRUPTION_BUDGETS,
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": budget},
    )

    async def where(app: str) -> list[tuple[str, bool]]:
        """Node and readiness of each pod."""
        pods = (await plane.client.list(PODS, "default", label_selector=f"app={app}"))["items"]
        return sorted(
            (pod["spec"].get("nodeName") or "", any(c["type"] == "Ready" and c["status"] == "True"
                                                    for c in pod["status"].get("conditions") or ()))
            for pod in pods
        )  # fmt: skip

    async def all_on(app: str, *nodes: str) -> bool:
        return await where(app) == [(node, True) for node in nodes]

    async def allowed(number: int) -> bool:
        status = (await plane.client.get(POD_DISRUPTION_BUDGETS, "default", "web")).get("status") or {}
        return bool(status.get("disruptionsAllowed") == number)

    await plane.until(lambda: all_on("web", "n1", "n1", "n1"))
    await plane.until(lambda: all_on("agent", "n1"))
    await plane.until(lambda: allowed(1))

    # Nowhere to go: one pod may leave, the others stay for the budget's sake, however long the drain tries.
    refused = await asyncio.to_thread(kubectl.fails, "drain", "n1", "--ignore-daemonsets", "--timeout=4s")
    assert "Cannot evict pod as it would violate the pod's disruption budget" in refused
    assert "cordoned" in kubectl("cordon", "n1")  # already
    assert [ready for _, ready in await where("web")].count(True) == 2
    assert kubectl.json("get", "node", "n1")["spec"]["taints"][0]["key"] == "node.kubernetes.io/unschedulable"

    await plane.kubelet.add_node("n2")
    watching = asyncio.create_task(_fewest_ready(plane))
    drained = await asyncio.to_thread(kubectl, "drain", "n1", "--ignore-daemonsets", "--timeout=60s")
    assert drained.splitlines()[-1] in ("node/n1 drained", "node/n1 evicted")
    await plane.until(lambda: all_on("web", "n2", "n2", "n2"))
    watching.cancel()
    assert (await asyncio.gather(watching, return_exceptions=True))[0] is not True, "fewer than two were ready"
    assert ("n1", True) in await where("agent"), "daemon pods stay"

    assert kubectl("uncordon", "n1") == "node/n1 uncordoned\n"
    await plane.until(lambda: _has_no_taints(kubectl))
    kubectl("scale", "deployment", "web", "--replicas=6")

    async def used_again() -> bool:
        return ("n1", True) in await where("web")

    await plane.until(used_again)


async def _has_no_taints(kubectl: Kubectl) -> bool:
    return not kubectl.json("get", "node", "n1")["spec"].get("taints")


async def _fewest_ready(plane: ControlPlane) -> bool:
    """True as soon as fewer than two pods of "web" are ready; never ends otherwise."""
    listed = await plane.client.list(PODS, "default", label_selector="app=web")
    pods = {pod["metadata"]["name"]: pod for pod in listed["items"]}
    version = listed["metadata"]["resourceVersion"]
    async for event in plane.client.watch(PODS, "default", label_selector="app=web", resource_version=version):
        pod = event.object
        if event.type == "DELETED":
            pods.pop(pod["metadata"]["name"], None)
        elif event.type != "BOOKMARK":
            pods[pod["metadata"]["name"]] = pod
        ready = [
            pod
            for pod in pods.values()
            if not pod["metadata"].get("deletionTimestamp")
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or ())
        ]
        if len(ready) < 2:
            return True
    return False


async def test_drain_names_what_it_will_not_delete_by_itself(plane: ControlPlane, binary: str, tmp_path: Path) -> None:
    kubectl = Kubectl(binary, kubeconfig=str(tmp_path / "kubeconfig"))
    await plane.kubelet.add_node("n1")
    await plane.client.create(DAEMON_SETS, workload("DaemonSet", "agent"))
    spec = {"nodeName": "n1", "containers": [{"name": "c", "image": "nginx"}]}
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "namespace": "default"}, "spec": spec}
    await plane.client.create(PODS, bare)

    async def there() -> bool:
        return len((await plane.client.list(PODS, "default"))["items"]) == 2

    await plane.until(there)
    refused = kubectl.fails("drain", "n1")
    assert "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)" in refused
    assert "(use --force to override): default/bare" in refused
    forced = await asyncio.to_thread(kubectl, "drain", "n1", "--ignore-daemonsets", "--force", "--timeout=30s")
    assert "pod/bare evicted" in forced
