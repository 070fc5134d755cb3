"""Workloads from object to pods on nodes, and back, through real processes; also when those are killed."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from api.resources import (
    CONFIG_MAPS,
    CORE_EVENTS,
    DEPLOYMENTS,
    NODES,
    PODS,
    PRIORITY_CLASSES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
)
from apimachinery.meta import Resource
from apimachinery.objects import Object, is_deleting, name_of
from tests.integration.controller.plane import ControlPlane

NAMESPACE = "default"


def workload(resource: Resource, replicas: int, image: str = "nginx", **spec: Any) -> Object:
    """A replication controller, replica set or deployment named web."""
    labels = {"app": "web"}
    selector: Object = labels if resource is REPLICATION_CONTROLLERS else {"matchLabels": labels}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {"replicas": replicas, "selector": selector, "template": template, **spec},
    }


async def live_pods(plane: ControlPlane) -> list[Object]:
    """All pods that are not on their way out."""
    listed = await plane.client.list(PODS, NAMESPACE)
    return [pod for pod in listed["items"] if not is_deleting(pod)]


async def images(plane: ControlPlane) -> Counter[str]:
    """Ready pods by image."""
    return Counter(
        pod["spec"]["containers"][0]["image"]
        for pod in await live_pods(plane)
        if any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"].get("conditions") or ())
    )


async def status_is(plane: ControlPlane, resource: Resource, **wanted: int) -> bool:
    """Whether these numbers of the workload's status are so, and the status is that of its present spec."""
    found = await plane.client.get(resource, NAMESPACE, "web")
    status = found.get("status") or {}
    if status.get("observedGeneration", found["metadata"].get("generation")) != found["metadata"].get("generation"):
        return False
    return all((status.get(key) or 0) == value for key, value in wanted.items())


async def patch(plane: ControlPlane, resource: Resource, spec: Object) -> None:
    """Change the workload's spec."""
    await plane.client.patch(resource, NAMESPACE, "web", {"spec": spec}, patch_type="strategic")


def container(image: str) -> Object:
    """The part of a spec that changes the image."""
    return {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}


async def test_replication_controller_scales_heals_and_goes(plane: ControlPlane) -> None:
    await plane.client.create(REPLICATION_CONTROLLERS, workload(REPLICATION_CONTROLLERS, 2))
    await plane.until(lambda: status_is(plane, REPLICATION_CONTROLLERS, readyReplicas=2, availableReplicas=2))
    nodes = Counter(pod["spec"]["nodeName"] for pod in await live_pods(plane))
    assert nodes == {"n1": 1, "n2": 1}, "spread over the nodes"
    await patch(plane, REPLICATION_CONTROLLERS, {"replicas": 4})
    await plane.until(lambda: status_is(plane, REPLICATION_CONTROLLERS, readyReplicas=4))
    victim = name_of((await live_pods(plane))[0])
    await plane.client.delete(PODS, NAMESPACE, victim)

    async def replaced() -> bool:
        names = [name_of(pod) for pod in await live_pods(plane)]
        return len(names) == 4 and victim not in names

    await plane.until(replaced)
    await plane.client.delete(REPLICATION_CONTROLLERS, NAMESPACE, "web", propagation_policy="Background")

    async def all_gone() -> bool:
        return not (await plane.client.list(PODS, NAMESPACE))["items"]

    await plane.until(all_gone)


async def test_orphans_are_adopted_and_strays_let_go(plane: ControlPlane) -> None:
    await plane.client.create(REPLICA_SETS, workload(REPLICA_SETS, 2))
    await plane.until(lambda: status_is(plane, REPLICA_SETS, readyReplicas=2))
    stray = name_of((await live_pods(plane))[0])
    await plane.client.patch(PODS, NAMESPACE, stray, {"metadata": {"labels": {"app": "x"}}}, patch_type="merge")

    async def three() -> bool:
        pods = {name_of(pod): pod["metadata"].get("ownerReferences") for pod in await live_pods(plane)}
        return len(pods) == 3 and not pods[stray]

    await plane.until(three)
    await plane.client.patch(PODS, NAMESPACE, stray, {"metadata": {"labels": {"app": "web"}}}, patch_type="merge")

    async def two_again() -> bool:
        pods = await live_pods(plane)
        return len(pods) == 2 and all(pod["metadata"].get("ownerReferences") for pod in pods)

    await plane.until(two_again)


async def test_deployment_rolls_back_and_forth(plane: ControlPlane) -> None:
    await plane.client.create(DEPLOYMENTS, workload(DEPLOYMENTS, 4, "one"))
    await plane.until(lambda: status_is(plane, DEPLOYMENTS, availableReplicas=4, updatedReplicas=4))
    await patch(plane, DEPLOYMENTS, container("two"))

    async def all_are(image: str) -> bool:
        return await images(plane) == {image: 4} and await status_is(plane, DEPLOYMENTS, replicas=4)

    await plane.until(lambda: all_are("two"))
    await patch(plane, DEPLOYMENTS, container("one"))
    await plane.until(lambda: all_are("one"))
    sets = (await plane.client.list(REPLICA_SETS, NAMESPACE))["items"]
    revisions = {item["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for item in sets}
    assert revisions == {"2", "3"}, "the first set came back under a new number"


async def test_a_rollout_that_cannot_work_keeps_the_old_pods(plane: ControlPlane) -> None:
    plane.kubelet.failing.add("broken")
    await plane.client.create(DEPLOYMENTS, workload(DEPLOYMENTS, 4, "one", progressDeadlineSeconds=2))
    await plane.until(lambda: status_is(plane, DEPLOYMENTS, availableReplicas=4))
    await patch(plane, DEPLOYMENTS, container("broken"))

    async def told() -> bool:
        found = await plane.client.get(DEPLOYMENTS, NAMESPACE, "web")
        return any(item.get("reason") == "ProgressDeadlineExceeded" for item in found["status"]["conditions"])

    await plane.until(told)
    assert (await images(plane))["one"] == 3
    assert len(await live_pods(plane)) == 5


async def test_nothing_is_doubled_when_the_manager_and_the_scheduler_are_killed(plane: ControlPlane) -> None:
    await plane.client.create(DEPLOYMENTS, workload(DEPLOYMENTS, 60))
    for _ in range(2):

        async def some() -> bool:
            return bool(await live_pods(plane))

        await plane.until(some)
        await plane.manager.kill()
        await plane.scheduler.kill()
        await plane.manager.start()
        await plane.scheduler.start()
    await plane.until(lambda: status_is(plane, DEPLOYMENTS, availableReplicas=60, replicas=60))
    assert len(await live_pods(plane)) == 60
    assert len((await plane.client.list(REPLICA_SETS, NAMESPACE))["items"]) == 1


async def test_the_api_server_may_be_killed_too(plane: ControlPlane) -> None:
    await plane.client.create(DEPLOYMENTS, workload(DEPLOYMENTS, 20))
    await plane.server.kill()
    await plane.server.start()
    await plane.until(lambda: status_is(plane, DEPLOYMENTS, availableReplicas=20, replicas=20))
    assert len(await live_pods(plane)) == 20


async def test_a_pod_that_fits_nowhere_is_told_why_and_placed_when_it_fits(plane: ControlPlane) -> None:
    big = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "6"}}}
    await plane.client.create(
        PODS, {"metadata": {"name": "big", "namespace": NAMESPACE}, "spec": {"containers": [big]}}
    )
    message = (
        "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: "
        "2 No preemption victims found for incoming pod.."
    )

    async def told() -> bool:
        events = (await plane.client.list(CORE_EVENTS, NAMESPACE, field_selector="involvedObject.name=big"))["items"]
        pod = await plane.client.get(PODS, NAMESPACE, "big")
        conditions = {item["type"]: item.get("message") for item in pod["status"].get("conditions") or ()}
        return conditions.get("PodScheduled") == message and any(item["message"] == message for item in events)

    await plane.until(told)
    await plane.kubelet.add_node("n3", cpu="8")

    async def placed() -> bool:
        return await on(plane, "big", "n3")

    await plane.until(placed)


async def test_an_important_pod_displaces_another(plane: ControlPlane) -> None:
    await plane.client.patch(NODES, "", "n2", {"spec": {"unschedulable": True}}, patch_type="merge")
    for name, value in (("low", 1), ("high", 1000)):
        await plane.client.create(PRIORITY_CLASSES, {"metadata": {"name": name}, "value": value})
        big = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "3"}}}
        spec = {"containers": [big], "priorityClassName": name}
        await plane.client.create(PODS, {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})
        await plane.until(partial(on, plane, name, "n1"))
    assert [name_of(pod) for pod in await live_pods(plane)] == ["high"]


async def on(plane: ControlPlane, name: str, node: str) -> bool:
    """Whether the pod has that node."""
    return bool((await plane.client.get(PODS, NAMESPACE, name))["spec"].get("nodeName") == node)


async def test_the_daemons_end_cleanly(plane: ControlPlane) -> None:
    assert await plane.manager.stop() == 0
    assert await plane.scheduler.stop() == 0


async def test_owners_in_a_circle_can_be_deleted(plane: ControlPlane) -> None:
    names = ("a", "b", "c")
    made = {}
    for name in names:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}}
        made[name] = await plane.client.create(CONFIG_MAPS, body)
    for name, owner in zip(names, ("c", "a", "b"), strict=True):
        reference = {
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": made[owner]["metadata"]["uid"],
            "controller": True, "blockOwnerDeletion": True,
        }  # fmt: skip
        patch = {"metadata": {"ownerReferences": [reference]}}
        await plane.client.patch(CONFIG_MAPS, NAMESPACE, name, patch, patch_type="merge")
    await plane.client.delete(CONFIG_MAPS, NAMESPACE, "a", propagation_policy="Foreground")

    async def gone() -> bool:
        return not {name_of(item) for item in (await plane.client.list(CONFIG_MAPS, NAMESPACE))["items"]} & set(names)

    await plane.until(gone)
