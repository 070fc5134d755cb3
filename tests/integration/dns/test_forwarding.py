"""Names that the cluster does not have: other servers, as they are and as they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import dnslib
import pytest

from tests.apiserver_process import ApiServerProcess
from tests.integration.dns.kube_dns import KubeDns, until
from tests.integration.dns.upstream_server import Answers, UpstreamServer, address

LOCAL = "kubernetes.default.svc.cluster.local"


def always(*records: dnslib.RR) -> Answers:
    return lambda _: list(records)


def asking(upstream: UpstreamServer, folder: Path) -> KubeDns:
    """A kube-dns that knows no cluster, and asks this server."""
    return KubeDns(folder, None, f"--upstream=127.0.0.1:{upstream.port}")


@pytest.fixture
async def silent() -> AsyncIterator[UpstreamServer]:
    """A server that never answers."""
    async with UpstreamServer(lambda _: None) as running:
        yield running


async def test_answers_are_kept(tmp_path: Path) -> None:
    async with (
        UpstreamServer(always(address("example.com", "192.0.2.1", ttl=3000))) as upstream,
        asking(upstream, tmp_path) as dns,
    ):
        first, second = await dns.ask("example.com"), await dns.ask("EXAMPLE.com")
        assert [rr.ttl for rr in first.rr] == [30]
        assert (str(second.q.qname), str(second.rr[0].rdata)) == ("EXAMPLE.com.", "192.0.2.1")
        assert upstream.asked == {("example.com", "udp"): 1}


async def test_equal_questions_are_asked_once(tmp_path: Path) -> None:
    asked = asyncio.Event()

    def answers(_: dnslib.DNSRecord) -> None:
        asked.set()

    async with UpstreamServer(answers) as upstream:
        flags = (f"--upstream=127.0.0.1:{upstream.port}", "--upstream-timeout=1s")
        async with KubeDns(tmp_path, None, *flags) as dns:
            found = await asyncio.gather(*(dns.ask("example.com") for _ in range(20)))
            assert {one.header.rcode for one in found} == {2}
            assert upstream.asked[("example.com", "udp")] == 2  # a lone server is asked twice


async def test_a_server_that_does_not_answer_is_passed_over(silent: UpstreamServer, tmp_path: Path) -> None:
    async with UpstreamServer(always(address("example.com", "192.0.2.1"))) as good:
        upstreams = f"--upstream=127.0.0.1:{silent.port},127.0.0.1:{good.port}"
        flags = (upstreams, "--upstream-timeout=1s", "--upstream-policy=sequential", "--cache-entries=0")
        async with KubeDns(tmp_path, None, *flags) as dns:
            for _ in range(4):
                found = await dns.ask("example.com")
                assert str(found.rr[0].rdata) == "192.0.2.1"
            assert silent.asked[("example.com", "udp")] == 2  # after two failures it is asked last
            assert good.asked[("example.com", "udp")] == 4


async def test_a_slow_server_holds_up_nobody_else(
    server: ApiServerProcess, silent: UpstreamServer, tmp_path: Path
) -> None:
    async with KubeDns(tmp_path, server, f"--upstream=127.0.0.1:{silent.port}") as dns:
        waiting = [asyncio.create_task(dns.ask(f"n{number}.example.com")) for number in range(50)]
        await until(lambda: len(silent.asked) == 50)
        assert str((await dns.ask(LOCAL)).rr[0].rdata) == "10.96.0.1"
        assert not any(task.done() for task in waiting)
        assert {found.header.rcode for found in await asyncio.gather(*waiting)} == {2}


async def test_too_many_at_a_time_are_refused(silent: UpstreamServer, tmp_path: Path) -> None:
    flags = (f"--upstream=127.0.0.1:{silent.port}", "--max-concurrent-forwards=5")
    async with KubeDns(tmp_path, None, *flags) as dns:
        waiting = [asyncio.create_task(dns.ask(f"n{number}.example.com")) for number in range(5)]
        await until(lambda: len(silent.asked) == 5)
        assert (await dns.ask("one.more.example.com")).header.rcode == 5
        await asyncio.gather(*waiting)


async def test_what_did_not_fit_is_fetched_by_tcp(tmp_path: Path) -> None:
    many = [address("big.example.com", f"192.0.2.{number}") for number in range(1, 60)]
    async with UpstreamServer(always(*many)) as upstream, asking(upstream, tmp_path) as dns:
        found = await dns.ask("big.example.com", edns=1232)
        assert (found.header.tc, len(found.rr)) == (0, 59)
        assert upstream.asked == {("big.example.com", "udp"): 1, ("big.example.com", "tcp"): 1}


async def test_resolv_conf_is_read_again(tmp_path: Path) -> None:
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("search example.com\n")
    async with KubeDns(tmp_path, None, f"--resolv-conf={resolv_conf}") as dns:
        assert (await dns.ask("example.com")).header.rcode == 5
        resolv_conf.write_text("nameserver 192.0.2.53\n")
        await until(lambda: "upstreams=192.0.2.53:53" in dns.log)


async def test_a_server_that_is_ourselves_is_not_asked(tmp_path: Path) -> None:
    dns = KubeDns(tmp_path, None)
    dns.flags = (f"--upstream={dns.address}:{dns.port}",)
    async with dns:
        assert (await dns.ask("example.com")).header.rcode == 5
        assert "lead back here" in dns.log
