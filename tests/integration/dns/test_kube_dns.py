"""kube-dns beside a real API server, with the rights it has in a cluster, asked over UDP and TCP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiodns
import pytest

from api.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.integration.dns.kube_dns import KubeDns, http_status, until
from tests.integration.dns.upstream_server import UpstreamServer, address

WEB = "web.default.svc.cluster.local"


async def make_service(api: RestClient, name: str = "web", **spec: Any) -> Object:
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    metadata = {"name": name, "namespace": "default"}
    return await api.create(SERVICES, {"metadata": metadata, "spec": {"ports": [port], **spec}})


async def make_slice(api: RestClient, *endpoints: Object, name: str = "web") -> Object:
    labels = {"kubernetes.io/service-name": name}
    metadata = {"name": f"{name}-1", "namespace": "default", "labels": labels}
    ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
    body = {"metadata": metadata, "addressType": "IPv4", "endpoints": list(endpoints), "ports": ports}
    return await api.create(ENDPOINT_SLICES, body)


async def answer(dns: KubeDns, name: str, qtype: str, *, tcp: bool = False) -> list[Any]:
    result = await dns.resolver(tcp=tcp).query_dns(name, qtype)
    return [record.data for record in result.answer]


async def resolves(dns: KubeDns, name: str, *addresses: str) -> None:
    """Wait until the name has exactly these addresses."""

    async def same() -> bool:
        found = await dns.ask(name)
        return sorted(str(rr.rdata) for rr in found.rr if rr.rtype == 1) == sorted(addresses)

    await until(same)


async def test_services(server: ApiServerProcess, api: RestClient, tmp_path: Path) -> None:
    made = await make_service(api)
    async with KubeDns(tmp_path, server) as dns:
        cluster_ip = made["spec"]["clusterIP"]
        for tcp in (False, True):
            assert [data.addr for data in await answer(dns, WEB, "A", tcp=tcp)] == [cluster_ip]
        srv = await answer(dns, f"_http._tcp.{WEB}", "SRV")
        assert [(data.port, data.target) for data in srv] == [(80, WEB)]
        reverse = ".".join(reversed(cluster_ip.split("."))) + ".in-addr.arpa"
        assert [data.dname for data in await answer(dns, reverse, "PTR")] == [WEB]
        assert [data.data for data in await answer(dns, "dns-version.cluster.local", "TXT")] == [b"1.1.0"]
        with pytest.raises(aiodns.error.DNSError) as missing:
            await answer(dns, "missing.default.svc.cluster.local", "A")
        assert missing.value.args[0] == aiodns.error.ARES_ENOTFOUND
        with pytest.raises(aiodns.error.DNSError) as other_type:
            await answer(dns, WEB, "AAAA")
        assert other_type.value.args[0] == aiodns.error.ARES_ENODATA


async def test_changes_are_followed(server: ApiServerProcess, api: RestClient, tmp_path: Path) -> None:
    async with KubeDns(tmp_path, server, "--pods=verified") as dns:
        made = await make_service(api, clusterIP="None")
        first = {"addresses": ["10.244.0.5"], "hostname": "web-0", "conditions": {"ready": True}}
        second = {"addresses": ["10.244.0.6"], "conditions": {"ready": False}}
        found = await make_slice(api, first, second)
        await resolves(dns, WEB, "10.244.0.5")
        second["conditions"] = {"ready": True}
        await api.update(ENDPOINT_SLICES, found | {"endpoints": [first, second]})
        await resolves(dns, WEB, "10.244.0.5", "10.244.0.6")
        await resolves(dns, f"web-0.{WEB}", "10.244.0.5")
        assert made["spec"]["clusterIP"] == "None"
        await api.delete(SERVICES, "default", "web")
        await resolves(dns, WEB)
        namespace = "10-244-0-5.new.pod.cluster.local"
        await api.create(NAMESPACES, {"metadata": {"name": "new"}})
        assert (await dns.ask(namespace)).header.rcode == 3  # there is no such pod


async def test_goes_on_answering_without_the_api_server(
    server: ApiServerProcess, api: RestClient, tmp_path: Path
) -> None:
    made = await make_service(api)
    async with KubeDns(tmp_path, server) as dns:
        await server.kill()
        await resolves(dns, WEB, made["spec"]["clusterIP"])
        assert await http_status(dns.health_port, "/ready") == 200
        await server.start()
        async with server.client() as again:
            later = await make_service(again, "later")
        await resolves(dns, "later.default.svc.cluster.local", later["spec"]["clusterIP"])


async def test_not_ready_before_the_zone_is_known(server: ApiServerProcess, tmp_path: Path) -> None:
    await server.kill()
    async with UpstreamServer(lambda _: [address("example.com", "192.0.2.1")]) as upstream:
        dns = KubeDns(tmp_path, server, f"--upstream=127.0.0.1:{upstream.port}")
        await dns.start(ready=False)
        try:
            assert await http_status(dns.health_port, "/ready") == 500
            assert (await dns.ask("kubernetes.default.svc.cluster.local")).header.rcode == 2
            await resolves(dns, "example.com", "192.0.2.1")
            await server.start()
            await until(lambda: _is_ready(dns))
            await resolves(dns, "kubernetes.default.svc.cluster.local", "10.96.0.1")
        finally:
            await dns.stop()


async def _is_ready(dns: KubeDns) -> bool:
    return await http_status(dns.health_port, "/ready") == 200


async def test_many_endpoints_need_tcp_or_edns(server: ApiServerProcess, api: RestClient, tmp_path: Path) -> None:
    await make_service(api, clusterIP="None")
    endpoints = [{"addresses": [f"10.244.1.{number}"]} for number in range(1, 91)]
    await make_slice(api, *endpoints)
    async with KubeDns(tmp_path, server) as dns:
        small, large = await dns.ask(WEB), await dns.ask(WEB, edns=1232)
        assert (small.header.tc, len(small.rr)) == (1, 0)
        assert (large.header.tc, len(large.rr)) == (1, 0)  # 90 addresses are 1,440 bytes
        found = await answer(dns, WEB, "A")  # c-ares comes back by TCP
        assert len({data.addr for data in found}) == 90


async def test_an_external_name_comes_with_its_addresses(
    server: ApiServerProcess, api: RestClient, tmp_path: Path
) -> None:
    await api.create(SERVICES, {
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {"type": "ExternalName", "externalName": "db.example.com"},
    })  # fmt: skip
    upstream = UpstreamServer(lambda _: [address("db.example.com", "192.0.2.7", ttl=12)])
    async with upstream, KubeDns(tmp_path, server, f"--upstream=127.0.0.1:{upstream.port}") as dns:
        found = await dns.ask("db.default.svc.cluster.local")
        assert [(rr.rtype, str(rr.rdata)) for rr in found.rr] == [(5, "db.example.com."), (1, "192.0.2.7")]
        assert max(rr.ttl for rr in found.rr) <= 12


async def test_strangers_get_no_answer(tmp_path: Path) -> None:
    dns = KubeDns(tmp_path, None, "--allow-from=10.0.0.0/8", address="127.0.0.2")
    async with dns:
        with pytest.raises(TimeoutError):
            # From 127.0.0.1, while the server's own address is another.
            await dns.exchange(b"\0\7\1\0\0\1" + b"\0" * 6 + b"\0\0\1\0\1", seconds=1.0, source="127.0.0.1")
        reader, writer = await asyncio.open_connection(dns.address, dns.port, local_addr=("127.0.0.1", 0))
        assert await reader.read() == b""
        writer.close()
        assert (await dns.ask("example.com")).header.qr == 1  # from its own address


async def test_junk_does_no_harm(server: ApiServerProcess, tmp_path: Path) -> None:
    async with KubeDns(tmp_path, server) as dns:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(dns.address, dns.port)
        )
        for size in range(200):
            transport.sendto(bytes(range(256))[:size] * 2 or b"\0")
        transport.close()
        _, writer = await asyncio.open_connection(dns.address, dns.port)
        writer.write(b"\xff\xff" + b"x" * 100)
        reader, other = await asyncio.open_connection(dns.address, dns.port)
        other.write(b"\0\x0c" + b"\0\7\x81\x80" + b"\0" * 8)  # a response: nobody answers that
        assert await reader.read() == b""
        await resolves(dns, "kubernetes.default.svc.cluster.local", "10.96.0.1")
        writer.close()
        other.close()
        assert await dns.stop() == 0
        assert "Traceback" not in dns.log
