"""A kubelet follows the Node objects with its routes."""

from __future__ import annotations

import pytest

from api.resources import CORE_EVENTS, NODES
from apimachinery.objects import Object
from tests.node.kubelet_lab import NODE, KubeletLab, make_pod
from tests.node.lab import run

OTHER = "other"

pytestmark = pytest.mark.timeout(300)


def node(address: str, pod_cidr: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": OTHER},
        "spec": {"podCIDR": pod_cidr, "podCIDRs": [pod_cidr]},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


async def wait_routes(lab: KubeletLab, *wanted: str) -> None:
    """Return once these are the routes to other nodes."""

    async def check() -> bool:
        lines = run("ip", "route", "show", "proto", "107").splitlines()
        return [" ".join(line.split()) for line in lines] == list(wanted)

    await lab.until(check)


async def wait_tunnel(lab: KubeletLab, *addresses: str) -> None:
    """Return once the tunnel leads to these addresses."""

    async def check() -> bool:
        lines = run("bridge", "fdb", "show", "dev", "kube-vxlan.1").splitlines()
        return [line.split()[2] for line in lines] == list(addresses)

    await lab.until(check)


async def test_nodes_come_move_and_go(lab: KubeletLab) -> None:
    assert await lab.node_condition("NetworkUnavailable") == "False"
    await lab.client.create(NODES, node("192.168.50.7", "10.97.7.0/24"))
    await wait_routes(lab, "10.97.7.0/24 via 10.97.7.0 dev kube-vxlan.1 onlink")
    await wait_tunnel(lab, "192.168.50.7")
    moved = {"status": {"addresses": [{"type": "InternalIP", "address": "192.168.50.8"}]}}
    await lab.client.patch(NODES, "", OTHER, moved, patch_type="merge", subresource="status")
    await wait_tunnel(lab, "192.168.50.8")
    await lab.client.delete(NODES, "", OTHER)
    await wait_routes(lab)
    await wait_tunnel(lab)


async def test_another_backend_and_a_node_too_far_away_for_it(lab: KubeletLab) -> None:
    await lab.client.create(NODES, node("203.0.113.7", "10.97.7.0/24"))
    await wait_routes(lab, "10.97.7.0/24 via 10.97.7.0 dev kube-vxlan.1 onlink")
    await lab.kill_kubelet()
    await lab.start_kubelet("--pod-network-backend=host-gw")

    async def told() -> bool:
        listed = await lab.client.list(CORE_EVENTS, "default", field_selector=f"involvedObject.name={NODE}")
        text = "Could not create a route to node other: its address 203.0.113.7 is on no network of this node"
        return any(e["reason"] == "FailedToCreateRoute" and text in e["message"] for e in listed["items"])

    await lab.until(told)
    assert "kube-vxlan.1" not in run("ip", "link")
    near = {"status": {"addresses": [{"type": "InternalIP", "address": "192.168.50.7"}]}}
    await lab.client.patch(NODES, "", OTHER, near, patch_type="merge", subresource="status")
    await wait_routes(lab, "10.97.7.0/24 via 192.168.50.7 dev uplink")


async def test_a_node_whose_address_changes_tells_it_and_moves_its_tunnel(lab: KubeletLab) -> None:
    await lab.kill_kubelet()
    await lab.start_kubelet("--node-ip=", "--node-status-update-frequency=1s")
    await lab.client.create(NODES, node("192.168.50.7", "10.97.7.0/24"))
    await lab.create(make_pod("on-the-host", hostNetwork=True))
    assert (await lab.wait_ready("on-the-host"))["status"]["podIP"] == "192.168.50.1"
    run("ip", "addr", "del", "192.168.50.1/24", "dev", "uplink")
    run("ip", "addr", "add", "192.168.50.9/24", "dev", "uplink")
    run("ip", "route", "add", "default", "via", "192.168.50.2")

    async def told() -> bool:
        addresses = (await lab.client.get(NODES, "", NODE))["status"]["addresses"]
        pod = (await lab.pod("on-the-host"))["status"]
        return [addresses[0]["address"], pod["hostIP"], pod["podIP"]] == ["192.168.50.9"] * 3

    async def moved() -> bool:
        return "local 192.168.50.9" in run("ip", "-d", "link")

    await lab.until(told)
    await lab.until(moved)
    await wait_tunnel(lab, "192.168.50.7")
