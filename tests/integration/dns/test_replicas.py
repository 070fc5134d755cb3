"""Several servers behind one Service: each comes, goes and dies, and the endpoints tell."""

from __future__ import annotations

from pathlib import Path

from api.resources import ENDPOINT_SLICES, LEASES
from apimachinery.objects import name_of
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.integration.dns.kube_dns import KubeDns, until

_SELECTOR = "kubernetes.io/service-name=kube-dns"


async def endpoints(api: RestClient) -> set[tuple[str, int]]:
    """Addresses and ports of the Service's ready endpoints."""
    found = await api.list(ENDPOINT_SLICES, "kube-system", label_selector=_SELECTOR)
    return {
        (address, port["port"])
        for one in found["items"]
        for endpoint in one["endpoints"]
        for address in endpoint["addresses"]
        for port in one["ports"]
        if port["name"] == "dns"
    }


async def leases(api: RestClient) -> set[str]:
    found = await api.list(LEASES, "kube-dns-lease")
    return {name_of(one) for one in found["items"]}


async def has_endpoints(api: RestClient, *wanted: KubeDns, seconds: float = 20.0) -> None:
    """Wait until these, and no others, are the endpoints."""
    expected = {(one.address, one.port) for one in wanted}

    async def same() -> bool:
        return await endpoints(api) == expected

    await until(same, seconds)


async def test_each_is_an_endpoint_while_it_runs(
    server: ApiServerProcess, api: RestClient, own_address: str, tmp_path: Path
) -> None:
    first = KubeDns(tmp_path, server, address=own_address)
    second = KubeDns(tmp_path, server, address=own_address)
    async with first:
        await has_endpoints(api, first)
        async with second:
            await has_endpoints(api, first, second)
            assert len(await leases(api)) == 2
        await has_endpoints(api, first)
    assert await endpoints(api) == set()
    assert await leases(api) == set()


async def test_a_dead_one_is_removed_by_the_other(
    server: ApiServerProcess, api: RestClient, own_address: str, tmp_path: Path
) -> None:
    first = KubeDns(tmp_path, server, address=own_address)
    second = KubeDns(tmp_path, server, address=own_address)
    async with first, second:
        await has_endpoints(api, first, second)
        await second.kill()
        await has_endpoints(api, first, seconds=40.0)
        await second.start()
        await has_endpoints(api, first, second)


async def test_a_slice_that_someone_deletes_comes_back(
    server: ApiServerProcess, api: RestClient, own_address: str, tmp_path: Path
) -> None:
    async with KubeDns(tmp_path, server, address=own_address) as dns:
        await has_endpoints(api, dns)
        found = await api.list(ENDPOINT_SLICES, "kube-system", label_selector=_SELECTOR)
        await api.delete(ENDPOINT_SLICES, "kube-system", name_of(found["items"][0]))
        await has_endpoints(api, dns)


async def test_an_outage_of_the_api_server_removes_nobody(
    server: ApiServerProcess, api: RestClient, own_address: str, tmp_path: Path
) -> None:
    first = KubeDns(tmp_path, server, address=own_address)
    second = KubeDns(tmp_path, server, address=own_address)
    async with first, second:
        await has_endpoints(api, first, second)
        await server.kill()
        await until(lambda: "Cannot register" in first.log and "Cannot register" in second.log, 30.0)
        await server.start()
        async with server.client() as again:
            await has_endpoints(again, first, second)
            before = {name_of(one) for one in (await again.list(LEASES, "kube-dns-lease"))["items"]}
        assert len(before) == 2
        assert "Removing an endpoint" not in first.log + second.log
