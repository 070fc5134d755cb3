"""Daemon sets, stateful sets, jobs and quotas, through real processes."""

from __future__ import annotations

from typing import Any

from api.resources import (
    DAEMON_SETS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    JOBS,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    SERVICES,
    STATEFUL_SETS,
)
from apimachinery.meta import Resource
from apimachinery.objects import Object, name_of
from controller.job.plan import FINALIZER
from tests.integration.controller.plane import ControlPlane
from tests.integration.controller.test_workloads import NAMESPACE, container, live_pods, patch, status_is

LABELS = {"app": "web"}


def workload(resource: Resource, image: str = "nginx", **spec: Any) -> Object:
    """A workload named web."""
    pod = {"containers": [{"name": "c", "image": image}]}
    template: Object = {"metadata": {"labels": LABELS}, "spec": pod}
    if resource is JOBS:
        pod["restartPolicy"] = "Never"  # type: ignore[assignment]  # a dict of anything
    else:
        spec["selector"] = {"matchLabels": LABELS}
    metadata = {"name": "web", "namespace": NAMESPACE}
    body = {"metadata": metadata, "spec": {"template": template, **spec}}
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}


async def test_daemon_set_follows_the_nodes_and_its_template(plane: ControlPlane) -> None:
    await plane.client.create(DAEMON_SETS, workload(DAEMON_SETS))
    await plane.until(lambda: status_is(plane, DAEMON_SETS, numberAvailable=2))
    await plane.kubelet.add_node("n3")
    await plane.until(lambda: status_is(plane, DAEMON_SETS, numberAvailable=3, desiredNumberScheduled=3))
    await patch(plane, DAEMON_SETS, container("two"))
    await plane.until(lambda: status_is(plane, DAEMON_SETS, updatedNumberScheduled=3, numberAvailable=3))
    pods = await live_pods(plane)
    assert sorted(pod["spec"]["nodeName"] for pod in pods) == ["n1", "n2", "n3"]
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"two"}
    await plane.client.delete(NODES, "", "n3")
    await plane.until(lambda: status_is(plane, DAEMON_SETS, desiredNumberScheduled=2, currentNumberScheduled=2))


async def test_stateful_set_keeps_names(plane: ControlPlane) -> None:
    await plane.client.create(STATEFUL_SETS, workload(STATEFUL_SETS, serviceName="web", replicas=3))
    await plane.until(lambda: status_is(plane, STATEFUL_SETS, availableReplicas=3))
    await plane.client.delete(PODS, NAMESPACE, "web-1")
    await patch(plane, STATEFUL_SETS, container("two"))
    await plane.until(lambda: status_is(plane, STATEFUL_SETS, updatedReplicas=3, availableReplicas=3))
    assert sorted(name_of(pod) for pod in await live_pods(plane)) == ["web-0", "web-1", "web-2"]
    await patch(plane, STATEFUL_SETS, {"replicas": 1})
    await plane.until(lambda: status_is(plane, STATEFUL_SETS, replicas=1, availableReplicas=1))
    assert [name_of(pod) for pod in await live_pods(plane)] == ["web-0"]


async def finished(plane: ControlPlane, type: str) -> bool:
    """Whether the job has that condition."""
    job = await plane.client.get(JOBS, NAMESPACE, "web")
    return any(item["type"] == type for item in (job.get("status") or {}).get("conditions") or ())


async def test_job_completes_and_every_pod_counts_once_though_the_manager_is_killed(plane: ControlPlane) -> None:
    await plane.client.create(JOBS, workload(JOBS, "exit-0", completions=12, parallelism=3))

    async def some() -> bool:
        return bool(await live_pods(plane))

    await plane.until(some)
    await plane.manager.kill()
    await plane.manager.start()
    await plane.until(lambda: finished(plane, "Complete"))
    assert await status_is(plane, JOBS, succeeded=12, failed=0, active=0)
    pods = await live_pods(plane)
    assert len(pods) == 12
    assert not any(pod["metadata"].get("finalizers") for pod in pods)
    await plane.client.delete(JOBS, NAMESPACE, "web", propagation_policy="Background")

    async def all_gone() -> bool:
        return not (await plane.client.list(PODS, NAMESPACE))["items"]

    await plane.until(all_gone)


async def test_job_gives_up(plane: ControlPlane) -> None:
    await plane.client.create(JOBS, workload(JOBS, "exit-1", backoffLimit=0))
    await plane.until(lambda: finished(plane, "Failed"))
    assert await status_is(plane, JOBS, failed=1, succeeded=0)


async def test_quota_gives_back_what_is_freed(plane: ControlPlane) -> None:
    quota = {
        "metadata": {"name": "q", "namespace": NAMESPACE},
        "spec": {"hard": {"pods": "2", "count/jobs.batch": "5"}},
    }
    await plane.client.create(RESOURCE_QUOTAS, quota)

    async def used(pods: str, jobs: str) -> bool:
        status = (await plane.client.get(RESOURCE_QUOTAS, NAMESPACE, "q")).get("status") or {}
        return status.get("used") == {"pods": pods, "count/jobs.batch": jobs}

    await plane.until(lambda: used("0", "0"))
    await plane.client.create(JOBS, workload(JOBS, "exit-0", completions=6, parallelism=6))
    await plane.until(lambda: finished(plane, "Complete"), seconds=60)
    await plane.until(lambda: used("0", "1"))


async def test_a_pod_that_its_job_lets_go_can_be_deleted(plane: ControlPlane) -> None:
    await plane.client.create(JOBS, workload(JOBS, parallelism=1))

    async def pods(released: bool) -> list[Object]:
        return [pod for pod in await live_pods(plane) if ("ownerReferences" not in pod["metadata"]) == released]

    async def settled() -> bool:
        return len(await pods(released=True)) == 1 == len(await pods(released=False))

    await plane.until(lambda: status_is(plane, JOBS, active=1))
    [first] = await pods(released=False)
    await plane.client.patch(PODS, NAMESPACE, name_of(first), {"metadata": {"labels": None}}, patch_type="merge")
    await plane.until(settled)
    [released] = await pods(released=True)
    assert "finalizers" not in released["metadata"]
    # One that had lost its owner before, and kept the finalizer, is let go as well.
    await plane.client.patch(
        PODS, NAMESPACE, name_of(released), {"metadata": {"finalizers": [FINALIZER]}}, patch_type="merge"
    )
    await plane.client.delete(PODS, NAMESPACE, name_of(released))

    async def gone() -> bool:
        return not any(name_of(pod) == name_of(released) for pod in (await plane.client.list(PODS, NAMESPACE))["items"])

    await plane.until(gone)


async def test_endpoints_without_a_selector_are_mirrored(plane: ControlPlane) -> None:
    metadata = {"name": "db", "namespace": NAMESPACE}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 5432}]}}
    await plane.client.create(SERVICES, service)
    subset = {"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 5432}]}
    body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}
    await plane.client.create(ENDPOINTS, body)

    async def addresses(*wanted: str) -> bool:
        listed = await plane.client.list(ENDPOINT_SLICES, NAMESPACE, label_selector="kubernetes.io/service-name=db")
        found = [ip for item in listed["items"] for one in item["endpoints"] or () for ip in one["addresses"]]
        return found == list(wanted)

    await plane.until(lambda: addresses("192.0.2.7"))
    moved = {"subsets": [{**subset, "addresses": [{"ip": "192.0.2.8"}]}]}
    await plane.client.patch(ENDPOINTS, NAMESPACE, "db", moved, patch_type="merge")
    await plane.until(lambda: addresses("192.0.2.8"))
    await plane.client.delete(ENDPOINTS, NAMESPACE, "db")
    await plane.until(addresses)


async def test_claims_go_when_the_set_is_scaled_down(plane: ControlPlane) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    wanted = workload(
        STATEFUL_SETS, serviceName="web", replicas=1, volumeClaimTemplates=[claim],
        persistentVolumeClaimRetentionPolicy=policy,
    )  # fmt: skip
    await plane.client.create(STATEFUL_SETS, wanted)

    async def owner_kinds() -> list[str]:
        claims = (await plane.client.list(PERSISTENT_VOLUME_CLAIMS, NAMESPACE))["items"]
        return [ref["kind"] for item in claims for ref in item["metadata"].get("ownerReferences") or ()]

    async def kept_by_the_set() -> bool:
        return await owner_kinds() == ["StatefulSet"] and len(await live_pods(plane)) == 1

    async def gone() -> bool:
        return not (await plane.client.list(PERSISTENT_VOLUME_CLAIMS, NAMESPACE))["items"]

    await plane.until(kept_by_the_set)
    await patch(plane, STATEFUL_SETS, {"replicas": 0})
    await plane.until(gone)
    await patch(plane, STATEFUL_SETS, {"replicas": 1})
    await plane.until(kept_by_the_set)
    await plane.client.delete(STATEFUL_SETS, NAMESPACE, "web")
    await plane.until(gone)


async def test_a_pod_brings_its_claim_along(plane: ControlPlane) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    volume = {"name": "data", "ephemeral": {"volumeClaimTemplate": {"spec": spec}}}
    pod = {"containers": [{"name": "c", "image": "nginx"}], "volumes": [volume]}
    metadata = {"name": "web", "namespace": NAMESPACE}
    await plane.client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})

    async def claims(*names: str) -> bool:
        found = (await plane.client.list(PERSISTENT_VOLUME_CLAIMS, NAMESPACE))["items"]
        return [name_of(item) for item in found] == list(names)

    await plane.until(lambda: claims("web-data"))
    await plane.client.delete(PODS, NAMESPACE, "web", grace_period_seconds=0)
    await plane.until(claims)
