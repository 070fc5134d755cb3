"""Two masters on one etcd: API servers behind one address, two controller managers and two schedulers of which one each
works. What dies is replaced by what waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from api.resources import DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, LEASES, PODS, SERVICE_ACCOUNTS
from apimachinery.errors import AlreadyExists, ApiError, NotFound
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.balancer import Balancer
from tests.etcd_server import EtcdServer
from tests.integration.controller.fakekubelet import FakeKubelet
from tests.integration.controller.plane import Daemon, kubeconfig

ADDRESSES = ("192.0.2.11", "192.0.2.12")
LEADERS = {"controller.app": "kube-controller-manager", "scheduler.app": "kube-scheduler"}


class Masters:
    """Their processes, and a client at the common address."""

    def __init__(self, folder: Path, servers: list[ApiServerProcess], port: int, client: RestClient) -> None:
        self.servers, self.client = servers, client
        config = folder / "kubeconfig"
        config.write_text(kubeconfig(port))
        flags = (f"--kubeconfig={config}", "--secure-port=0", "--v=2")
        self.daemons = [
            {module: Daemon(module, folder / number, *flags) for module in LEADERS} for number in ("1", "2")
        ]

    def all_daemons(self) -> list[Daemon]:
        return [daemon for master in self.daemons for daemon in master.values()]

    async def leases(self) -> dict[str, Object]:
        """The leases of those that lead, by name."""
        found = {}
        for name in LEADERS.values():
            try:
                found[name] = (await self.client.get(LEASES, "kube-system", name))["spec"]
            except NotFound:
                continue
        return found

    def leader(self, module: str) -> Daemon:
        """The one of the two that became leader last, by its own word."""
        first, second = (master[module] for master in self.daemons)
        return max(first, second, key=lambda daemon: _last_line_with(daemon.log(), "Became leader"))

    async def until_pods_run(self, name: str, number: int) -> None:
        """Make a Deployment and wait for its pods: that takes an API server, a controller manager and a scheduler."""
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
        spec = {"replicas": number, "selector": {"matchLabels": {"app": name}}, "template": template}
        meta = {"name": name, "namespace": "default"}
        made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
        await until(lambda: self._exists(made))
        await until(lambda: self._run(name, number))

    async def _exists(self, deployment: Object) -> bool:
        """Tried again by `until`: what is written to a server that has just died fails, and nobody knows its fate."""
        with suppress(AlreadyExists):
            await self.client.create(DEPLOYMENTS, deployment)
        return True

    async def _run(self, name: str, number: int) -> bool:
        pods = (await self.client.list(PODS, "default", label_selector=f"app={name}"))["items"]
        return len(pods) == number and all(pod["status"].get("phase") == "Running" for pod in pods)

    async def have_accounts(self) -> bool:
        return bool((await self.client.list(SERVICE_ACCOUNTS, "default"))["items"])

    async def endpoints_are(self, *addresses: str) -> bool:
        """Whether the Service "kubernetes" leads to these API servers."""
        subsets = (await self.client.get(ENDPOINTS, "default", "kubernetes"))["subsets"]
        entries = (await self.client.get(ENDPOINT_SLICES, "default", "kubernetes"))["endpoints"]
        return (
            {entry["ip"] for subset in subsets for entry in subset["addresses"]} == set(addresses)
            and {address for entry in entries for address in entry["addresses"]} == set(addresses)
        )  # fmt: skip


def _last_line_with(text: str, words: str) -> str:
    """Lines begin with their time."""
    return max((line for line in text.splitlines() if words in line), default="")


async def until(condition: object, seconds: float = 40.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while True:
            try:
                if await condition():
                    return
            except ApiError:
                pass
            await asyncio.sleep(0.1)


@asynccontextmanager
async def two_masters(folder: Path) -> AsyncIterator[Masters]:
    etcd = EtcdServer(folder)
    await asyncio.to_thread(etcd.start)
    try:
        async with AsyncExitStack() as stack:
            servers = []
            for number, address in zip(("1", "2"), ADDRESSES, strict=True):
                (folder / number).mkdir()
                flags = ("--storage-backend=etcd3", f"--etcd-servers={etcd.url}", f"--advertise-address={address}")
                servers.append(await stack.enter_async_context(ApiServerProcess(folder / number, *flags)))
            balancer = await stack.enter_async_context(Balancer(*(server.port for server in servers)))
            config = replace(servers[0].config(), server=f"https://127.0.0.1:{balancer.port}")
            client = await stack.enter_async_context(RestClient(config, user_agent="tests"))
            masters = Masters(folder, servers, balancer.port, client)
            for daemon in masters.all_daemons():
                stack.push_async_callback(daemon.kill)
                await daemon.start()
            kubelet = FakeKubelet(client)
            running = asyncio.create_task(kubelet.run())
            stack.callback(running.cancel)
            await kubelet.add_node("n1")
            await until(masters.have_accounts)
            yield masters
    finally:
        await asyncio.to_thread(etcd.kill)


@pytest.mark.timeout(150)
async def test_leaders_that_are_killed_or_stopped_are_replaced(tmp_path: Path) -> None:
    async with two_masters(tmp_path) as masters:
        await masters.until_pods_run("first", 2)
        before = await masters.leases()
        killed = [masters.leader(module) for module in LEADERS]
        for daemon in killed:
            await daemon.kill()

        async def replaced() -> bool:
            now = await masters.leases()
            return all(
                now[name]["holderIdentity"] not in ("", before[name]["holderIdentity"]) for name in LEADERS.values()
            )

        await until(replaced)
        assert all(spec["leaseTransitions"] == 1 for spec in (await masters.leases()).values())
        await masters.until_pods_run("second", 2)

        for daemon in killed:
            await daemon.start()
        before = await masters.leases()
        for module in LEADERS:
            assert await masters.leader(module).stop() == 0
        await until(replaced, 10)  # well before the leases would have ended
        await masters.until_pods_run("third", 2)


@pytest.mark.timeout(150)
async def test_an_api_server_that_dies_is_missed_by_nobody(tmp_path: Path) -> None:
    async with two_masters(tmp_path) as masters:
        await until(lambda: masters.endpoints_are(*ADDRESSES))
        before = await masters.leases()
        await masters.servers[0].kill()
        await masters.until_pods_run("first", 3)
        await until(lambda: masters.endpoints_are(ADDRESSES[1]))
        await masters.servers[0].start()
        await until(lambda: masters.endpoints_are(*ADDRESSES))
        await masters.servers[1].stop()
        await until(lambda: masters.endpoints_are(ADDRESSES[0]), 12)  # it has taken itself out
        await masters.until_pods_run("second", 3)
        after = await masters.leases()
        assert [spec["holderIdentity"] for spec in after.values()] == [
            spec["holderIdentity"] for spec in before.values()
        ], "those who lead have found the other server in time"
