"""A kubelet whose pods are on the network of CNI plugins."""

from __future__ import annotations

import asyncio

import pytest

from api.resources import PODS
from tests.node.cni_plugins import Plugins
from tests.node.kubelet_lab import KubeletLab, make_pod

pytestmark = pytest.mark.timeout(300)


async def test_a_configuration_is_taken_up_and_what_plugins_say_is_told(lab: KubeletLab) -> None:
    plugins = Plugins(lab.directory, lab.cni_dir)
    plugins.write(plugins.network(subnet="10.22.0.0/30"))

    async def on_the_plugins_network() -> bool:
        return "The pod network is that of the CNI configuration" in lab.log()

    await lab.until(on_the_plugins_network)
    await lab.create(make_pod("one"))
    pod = await lab.wait_ready("one")
    assert pod["status"]["podIP"] == "10.22.0.2"
    await lab.create(make_pod("two"))
    text = 'networkPlugin cni failed to set up pod "two_default" network: plugin type="bridge" name="pods" failed (add)'
    await lab.wait_event("two", "FailedCreatePodSandBox", text)
    await lab.client.delete(PODS, "default", "one")
    await lab.wait_gone("one")
    assert (await lab.wait_ready("two"))["status"]["podIP"] == "10.22.0.2"
    (plugins.conf_dir / "10-pods.conflist").write_text("{")

    async def not_ready() -> bool:
        return not await lab.node_ready()

    await lab.until(not_ready)
    await asyncio.gather(lab.client.delete(PODS, "default", "two"), lab.wait_gone("two"))
    assert plugins.leases() == set()
