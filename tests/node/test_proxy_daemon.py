"""The kube-proxy process on a real kernel, told what to do by a real API server, in a network namespace of its own."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from api.resources import CORE_EVENTS, ENDPOINT_SLICES, NODES, SERVICES
from apimachinery.objects import Object
from client.rest import ClientConfig, RestClient
from kubetest import ApiServer
from tests.node.lab import CLIENT_IP, NODE_IP, Lab, ask, run
from tests.unit.proxy.objects import endpoint, endpoint_slice, service

_FAR_IP, _SECOND_IP = "192.168.50.7", "192.168.50.8"
_SECONDS = 20.0


class ProxiedNode:
    """The lab's node, named n1; an endpoint "near" on it and one "far" on the machine outside."""

    def __init__(self, lab: Lab, server: ApiServer, client: RestClient, directory: Path) -> None:
        self.lab, self.client = lab, client
        self._server, self._log = server, directory / "kube-proxy.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *flags: str) -> None:
        """Start kube-proxy."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "proxy", f"--master={self._server.url}", "--hostname-override=n1",
                "--cluster-cidr=10.244.0.0/16", "--iptables-min-sync-period=0s", *flags, stdout=log, stderr=log,
            )  # fmt: skip

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(_SECONDS):
            return await self._process.wait()

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait for the condition; fails with what kube-proxy wrote."""
        try:
            async with asyncio.timeout(_SECONDS):
                while not await holds():  # noqa: ASYNC110 (packets are sent, nothing tells)
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise AssertionError(self._log.read_text()[-2000:]) from error

    async def until_answer(self, wanted: set[str], address: str, port: int) -> None:
        """Wait until only these answer the client outside, each at least once."""

        async def holds() -> bool:
            answers = {(await ask(self.lab.outside, address, port)).split()[0] for _ in range(4 * len(wanted))}
            return answers == wanted

        await self.until(holds)

    async def health_is(self, status: int) -> bool:
        """Whether a load balancer's probe gets that status."""
        try:
            async with aiohttp.ClientSession() as session, session.get("http://127.0.0.1:10256/healthz") as response:
                return response.status == status
        except aiohttp.ClientConnectionError:
            return False

    async def patch_node(self, change: Object) -> None:
        """Change the Node."""
        await self.client.patch(NODES, "", "n1", change, patch_type="merge")


@pytest_asyncio.fixture
async def proxied(node: Lab, tmp_path: Path) -> AsyncIterator[ProxiedNode]:
    run("ip", "addr", "add", f"{_SECOND_IP}/24", "dev", "uplink")
    node.inside(node.outside, "ip", "addr", "add", f"{_FAR_IP}/24", "dev", "eth0")
    await node.serve(None, 8080, "near")
    await node.serve(node.outside, 8080, "far")
    server = ApiServer(tls=False)
    server.start()  # by this thread: others live in the namespace of the host
    async with RestClient(ClientConfig(server.url), user_agent="test") as client:
        await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
        made = ProxiedNode(node, server, client, tmp_path)
        yield made
        if made._process is not None:
            await made.end(signal.SIGKILL)
    server.stop()
    await node.stop_serving()


def web(**spec: Any) -> Object:
    """Service "web": node port 30001, both endpoints."""
    return service(type="NodePort", ports=[{"port": 80, "protocol": "TCP", "nodePort": 30001}], **spec)


def endpoints(**zones: str) -> Object:
    """Its slice; `zones` by endpoint name are the hints."""
    entries = {"near": endpoint(NODE_IP), "far": endpoint(_FAR_IP, "n2")}
    for name, zone in zones.items():
        entries[name]["hints"] = {"forZones": [{"name": zone}]}
    return endpoint_slice("web", *entries.values())


async def test_node_ports_on_every_address_reach_every_node_in_both_families(proxied: ProxiedNode) -> None:
    await proxied.client.create(SERVICES, web())
    await proxied.client.create(ENDPOINT_SLICES, endpoints())
    await proxied.start()
    for address in (NODE_IP, _SECOND_IP):
        await proxied.until_answer({"near", "far"}, address, 30001)
    assert "KUBE-SERVICES" in run("ip6tables-save", "-t", "nat")
    await proxied.until(lambda: proxied.health_is(200))
    async with aiohttp.ClientSession() as session:
        async with session.get("http://127.0.0.1:10249/proxyMode") as response:
            assert await response.text() == "iptables"
        async with session.get("http://127.0.0.1:10249/metrics") as response:
            metrics = await response.text()
    assert 'kubeproxy_proxy_healthz_total{code="200"} ' in metrics
    assert "kubeproxy_sync_proxy_rules_iptables_restore_failures_total 0\n" in metrics
    assert await proxied.end() == 0
    assert (await ask(proxied.lab.outside, NODE_IP, 30001)).split()[0] in ("near", "far"), "rules stay"


async def test_node_ports_follow_the_addresses(proxied: ProxiedNode) -> None:
    await proxied.client.create(SERVICES, web())
    await proxied.client.create(ENDPOINT_SLICES, endpoints())
    await proxied.start(f"--nodeport-addresses={NODE_IP}/32,192.168.50.100/32", "--iptables-sync-period=1s")
    await proxied.until_answer({"near", "far"}, NODE_IP, 30001)
    assert await ask(proxied.lab.outside, _SECOND_IP, 30001) == "refused"
    run("ip", "addr", "add", "192.168.50.100/24", "dev", "uplink")
    await proxied.until_answer({"near", "far"}, "192.168.50.100", 30001)


async def test_hints_count_by_the_nodes_zone(proxied: ProxiedNode) -> None:
    hinted = web()
    hinted["metadata"]["annotations"] = {"service.kubernetes.io/topology-mode": "Auto"}
    await proxied.patch_node({"metadata": {"labels": {"topology.kubernetes.io/zone": "a"}}})
    await proxied.client.create(SERVICES, hinted)
    await proxied.client.create(ENDPOINT_SLICES, endpoints(near="a", far="b"))
    await proxied.start()
    await proxied.until_answer({"near"}, NODE_IP, 30001)
    await proxied.patch_node({"metadata": {"labels": {"topology.kubernetes.io/zone": "b"}}})
    await proxied.until_answer({"far"}, NODE_IP, 30001)


async def test_a_node_that_drains_is_told_to_load_balancers(proxied: ProxiedNode) -> None:
    await proxied.start("--feature-gates=KubeProxyDrainingTerminatingNodes=true")

    await proxied.until(lambda: proxied.health_is(200))
    await proxied.patch_node({"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}})
    await proxied.until(lambda: proxied.health_is(503))
    await proxied.patch_node({"spec": {"taints": None}})
    await proxied.until(lambda: proxied.health_is(200))


async def test_a_health_check_port_that_is_taken_is_an_event(proxied: ProxiedNode) -> None:
    blocker = socket.create_server(("0.0.0.0", 32123))
    balanced = web(externalTrafficPolicy="Local", healthCheckNodePort=32123)
    balanced["spec"]["type"] = "LoadBalancer"
    await proxied.client.create(SERVICES, balanced)
    await proxied.start("--iptables-sync-period=1s")

    async def told() -> bool:
        items = (await proxied.client.list(CORE_EVENTS, "default"))["items"]
        return any(event["reason"] == "FailedToStartServiceHealthcheck" for event in items)

    await proxied.until(told)
    blocker.close()
    await proxied.client.create(ENDPOINT_SLICES, endpoints())

    async def serves() -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://{NODE_IP}:32123/healthz") as response:
                return response.status == 200 and (await response.json())["localEndpoints"] == 1
        except aiohttp.ClientConnectionError:
            return False

    await proxied.until(serves)
    await proxied.until_answer({"near"}, NODE_IP, 30001)
    assert await ask(proxied.lab.outside, NODE_IP, 30001) == f"near {CLIENT_IP}"
