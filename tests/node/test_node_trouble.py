"""A node that was silent, rebooted or left without a master: what its kubelet makes of its pods."""

from __future__ import annotations

import pytest

from api.resources import PODS
from tests.node.kubelet_lab import KubeletLab, make_pod
from tests.node.lab import run

pytestmark = pytest.mark.timeout(300)


async def test_a_rebooted_node_starts_its_pods_again(lab: KubeletLab) -> None:
    await lab.create(make_pod("stays"))
    await lab.create(make_pod("once", ["true"], restartPolicy="Never"))
    await lab.wait_ready("stays")
    await lab.wait_phase("once", "Succeeded")
    before = await lab.pod("stays")
    await lab.kill_kubelet()
    for container in (await lab.containers()).values():
        await lab.docker.kill(container)
    run("ip", "link", "del", "cni0")
    run("iptables", "-F")
    run("iptables", "-t", "nat", "-F")
    await lab.start_kubelet()

    async def restarted() -> bool:
        return bool((await lab.status("stays")).get("restartCount") == 1)

    await lab.until(restarted)
    pod = await lab.wait_ready("stays")
    assert pod["metadata"]["uid"] == before["metadata"]["uid"]
    assert (await lab.status("stays"))["lastState"]["terminated"]["exitCode"] == 137
    assert run("ip", "-o", "link", "show", "master", "cni0").count("veth") == 1
    assert (await lab.pod("once"))["status"]["phase"] == "Succeeded"
    assert set(await lab.containers()) == {"stays/c", "stays/POD"}, "what has ended is not started again"


async def test_a_silent_nodes_pods_become_ready_again_and_those_evicted_meanwhile_end(lab: KubeletLab) -> None:
    for name in ("stays", "evicted"):
        await lab.create(make_pod(name))
        await lab.wait_ready(name)
    before = await lab.containers()
    await lab.kill_kubelet()
    for name in ("stays", "evicted"):  # as the node lifecycle controller does
        change = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
        await lab.client.patch(PODS, "default", name, change, patch_type="strategic", subresource="status")
    await lab.client.delete(PODS, "default", "evicted")
    assert set(await lab.containers()) == set(before), "nobody has told Docker"
    await lab.start_kubelet()
    await lab.wait_gone("evicted")
    await lab.wait_ready("stays")
    kept = {name: before[name] for name in ("stays/c", "stays/POD")}

    async def only_kept() -> bool:
        return await lab.containers() == kept

    await lab.until(only_kept)  # the API may know the pod to be gone before its sandbox is
    assert (await lab.status("stays"))["restartCount"] == 0


async def test_a_master_that_is_away_stops_no_pod_and_crashed_containers_are_restarted(lab: KubeletLab) -> None:
    for name in ("runs", "crashes"):
        await lab.create(make_pod(name))
        await lab.wait_ready(name)
    before = await lab.containers()
    await lab.stop_api()
    await lab.docker.kill(before["crashes/c"])

    async def again() -> bool:
        now = await lab.containers()
        return now.get("crashes/c", before["crashes/c"]) != before["crashes/c"]

    await lab.until(again)
    await lab.kill_kubelet()  # nor does its restart, though it can ask nobody which pods it has
    await lab.start_kubelet()
    alone = await lab.containers()
    await lab.start_api()

    async def told() -> bool:
        return bool((await lab.status("crashes")).get("restartCount") == 1)

    await lab.until(told)
    await lab.wait_ready("crashes")
    await lab.wait_ready("runs")
    assert await lab.containers() == alone
    assert alone["runs/c"] == before["runs/c"]
    assert (await lab.status("runs"))["restartCount"] == 0
