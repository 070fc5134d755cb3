"""Topology hints from Service, pods and nodes to the EndpointSlice, with the real processes."""

from __future__ import annotations

from pathlib import Path

from api.resources import CORE_EVENTS, DEPLOYMENTS, ENDPOINT_SLICES, SERVICES
from apimachinery.objects import Object
from tests.integration.controller.plane import ControlPlane

ZONE = "topology.kubernetes.io/zone"


async def test_hints_come_with_the_second_zone(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path) as plane:
        await plane.kubelet.add_node("n1", labels={ZONE: "a"})
        spread = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway",
                  "labelSelector": {"matchLabels": {"app": "web"}}}  # fmt: skip
        template = {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "nginx"}], "topologySpreadConstraints": [spread]},
        }
        spec = {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": template}
        meta: Object = {"name": "web", "namespace": "default"}
        annotated = {**meta, "annotations": {"service.kubernetes.io/topology-mode": "Auto"}}
        await plane.client.create(
            SERVICES, {"metadata": annotated, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
        )
        await plane.client.create(DEPLOYMENTS, {"metadata": meta, "spec": spec})

        async def hints(wanted: list[str]) -> bool:
            slices = (await plane.client.list(ENDPOINT_SLICES, "default"))["items"]
            endpoints = [e for found in slices if found["metadata"]["name"].startswith("web-")
                         for e in found.get("endpoints") or () if e["conditions"]["ready"]]  # fmt: skip
            given = sorted(e["hints"]["forZones"][0]["name"] if e.get("hints") else "" for e in endpoints)
            return given == wanted

        async def told(reason: str) -> bool:
            events = (await plane.client.list(CORE_EVENTS, "default"))["items"]
            return any(event["reason"] == reason for event in events)

        await plane.until(lambda: hints([""] * 4))
        await plane.until(lambda: told("TopologyAwareHintsDisabled"))
        await plane.kubelet.add_node("n2", labels={ZONE: "b"})
        await plane.until(lambda: hints(["a", "a", "b", "b"]))
        await plane.until(lambda: told("TopologyAwareHintsEnabled"))
