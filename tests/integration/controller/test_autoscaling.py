"""A deployment is scaled by the CPU that its pods use. The metrics API is a custom resource of that very group."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from api.resources import CUSTOM_RESOURCE_DEFINITIONS, DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS
from apimachinery.errors import NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, format_time, name_of
from tests.integration.controller.plane import ControlPlane
from tests.integration.controller.test_workloads import NAMESPACE, live_pods, status_is, workload

METRICS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "pods.metrics.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
    },
    "spec": {
        "group": METRICS.group,
        "names": {"plural": METRICS.plural, "singular": "podmetric", "kind": METRICS.kind},
        "scope": "Namespaced",
        "versions": [{"name": "v1beta1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}],
    },
}
HALF = {"type": "Utilization", "averageUtilization": 50}
AUTOSCALER: Object = {
    "apiVersion": HORIZONTAL_POD_AUTOSCALERS.api_version,
    "kind": HORIZONTAL_POD_AUTOSCALERS.kind,
    "metadata": {"name": "web", "namespace": NAMESPACE},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 5,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
            }
        ],
    },
}


async def autoscaler(plane: ControlPlane) -> tuple[Object, dict[str, tuple[str, str]]]:
    """(status, conditions as type: (status, reason))."""
    found = await plane.client.get(HORIZONTAL_POD_AUTOSCALERS, NAMESPACE, "web")
    status = found.get("status") or {}
    return status, {item["type"]: (item["status"], item["reason"]) for item in status.get("conditions") or ()}


async def test_more_cpu_more_pods(tmp_path: Path) -> None:
    flags = (
        "--use-service-account-credentials",
        "--horizontal-pod-autoscaler-sync-period=1s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=0s",
        "--horizontal-pod-autoscaler-downscale-stabilization=1s",
    )
    async with ControlPlane(tmp_path, *flags) as plane:
        await plane.kubelet.add_node("n1")
        deployment = workload(DEPLOYMENTS, 2)
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["resources"] = {"requests": {"cpu": "100m"}}
        await plane.client.create(DEPLOYMENTS, deployment)
        await plane.client.create(HORIZONTAL_POD_AUTOSCALERS, AUTOSCALER)

        async def no_metrics() -> bool:
            return (await autoscaler(plane))[1].get("ScalingActive") == ("False", "FailedGetResourceMetric")

        await plane.until(no_metrics)
        await plane.client.create(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION)

        async def used(cpu: str) -> bool:
            for pod in await live_pods(plane):
                sample: Object = {
                    "apiVersion": METRICS.api_version,
                    "kind": METRICS.kind,
                    "metadata": {"name": name_of(pod), "namespace": NAMESPACE, "labels": pod["metadata"]["labels"]},
                    "timestamp": format_time(datetime.now(UTC)),
                    "window": "0s",
                    "containers": [{"name": "c", "usage": {"cpu": cpu}}],
                }
                params = {"fieldManager": "test", "force": "true"}
                try:
                    await plane.client.patch(
                        METRICS, NAMESPACE, name_of(pod), sample, patch_type="apply", params=params
                    )
                except NotFound:
                    return False  # the definition is not served yet
            return True

        async def scaled_to(replicas: int, cpu: str) -> bool:
            return await used(cpu) and await status_is(
                plane, DEPLOYMENTS, replicas=replicas, availableReplicas=replicas
            )

        await plane.until(lambda: scaled_to(5, "100m"))
        status, conditions = await autoscaler(plane)
        assert conditions["ScalingActive"] == ("True", "ValidMetricFound")
        assert status["currentMetrics"][0]["resource"]["current"]["averageUtilization"] == 100
        assert status["lastScaleTime"]
        await plane.until(lambda: scaled_to(1, "1m"))
        assert (await autoscaler(plane))[1]["AbleToScale"][0] == "True"
        for pod in await live_pods(plane):  # a metrics server that forgets what it measured when
            patch = {"timestamp": None, "window": None}
            await plane.client.patch(METRICS, NAMESPACE, name_of(pod), patch, patch_type="merge")
        await plane.until(no_metrics)
