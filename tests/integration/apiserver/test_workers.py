"""--workers: several processes on one port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.resources import CONFIG_MAPS, ENDPOINTS
from tests.apiserver_process import ApiServerProcess
from tests.etcd_server import EtcdServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    etcd = EtcdServer(tmp_path)
    etcd.start()
    try:
        flags = ("--storage-backend=etcd3", f"--etcd-servers={etcd.url}", "--workers=2")
        async with ApiServerProcess(tmp_path, *flags) as running:
            yield running
    finally:
        etcd.kill()


def children(pid: int) -> set[int]:
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def living(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


async def answering(server: ApiServerProcess) -> int:
    """The worker that a new connection reaches: the one that has the other end of it open."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            except ConnectionError:
                await asyncio.sleep(0.05)
                continue
            try:
                port = writer.get_extra_info("sockname")[1]
                while inode := accepted(server.port, port):  # none: it has gone with a worker that ended
                    for pid in children(server.pid):
                        if f"socket:[{inode}]" in open_files(pid):
                            return pid
                    await asyncio.sleep(0.01)
            finally:
                writer.close()


def accepted(port: int, peer: int) -> str:
    """The inode of the server's end of a connection on loopback; "0" while nobody has it, "" where there is no such."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if [int(each.split(":")[1], 16) for each in fields[1:3]] == [port, peer]:
            return fields[9]
    return ""


def open_files(pid: int) -> set[str]:
    found = set()
    for each in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(FileNotFoundError):
            found.add(str(each.readlink()))
    return found


def connected(server: ApiServerProcess) -> int:
    """The worker that has a connection of a client, where there is but one."""
    port = f":{server.port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {fields[9] for fields in lines if fields[1].endswith(port) and fields[3] == "01" and fields[9] != "0"}
    (found,) = [pid for pid in children(server.pid) if any(f"socket:[{each}]" in open_files(pid) for each in inodes)]
    return found


async def until_all_answer(server: ApiServerProcess, gone: int = 0) -> set[int]:
    """The workers, once two of them answer besides `gone`."""
    seen: set[int] = set()
    for _ in range(600):
        seen.add(await answering(server))
        if len(seen - {gone}) == 2:
            return seen
        await asyncio.sleep(0.05)
    pytest.fail(f"only {seen} answer")


async def test_all_serve_one_that_dies_comes_back_and_all_end_together(server: ApiServerProcess) -> None:
    await until_all_answer(server)
    for turn in range(10):  # whoever answers knows what another has written
        async with server.client() as writer, server.client() as reader:
            await writer.create(CONFIG_MAPS, {"metadata": {"name": f"m{turn}", "namespace": "default"}})
            await reader.get(CONFIG_MAPS, "default", f"m{turn}")
            endpoints = await reader.get(ENDPOINTS, "default", "kubernetes")
            assert len(endpoints["subsets"][0]["addresses"]) == 1
    first, second = sorted(children(server.pid))
    os.kill(first, signal.SIGKILL)
    for _ in range(600):
        if len(children(server.pid) - {first}) == 2:
            break
        await asyncio.sleep(0.05)
    await until_all_answer(server, gone=first)
    workers = children(server.pid)
    assert second in workers
    await server.stop()
    assert not living(workers)


_WRITES = (
    'apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="configmaps",'
    'scope="namespace",subresource="",verb="POST",version="v1"}'
)


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def scraped(server: ApiServerProcess) -> dict[str, float]:
    async with server.client() as client:
        status, body = await client.raw("GET", "/metrics")
    assert status == 200
    return {found[1]: float(found[2]) for found in re.finditer(r"^([^#\n].*) (\S+)$", body.decode(), re.MULTILINE)}


async def test_whoever_is_asked_for_metrics_tells_those_of_all(server: ApiServerProcess) -> None:
    await until_all_answer(server)
    for turn in range(20):
        async with server.client() as client:
            await client.create(CONFIG_MAPS, {"metadata": {"name": f"m{turn}", "namespace": "default"}})
    told = [await scraped(server) for _ in range(6)]  # by one worker or another
    assert {each[_WRITES] for each in told} == {20}
    resident = sum(resident_bytes(pid) for pid in (server.pid, *children(server.pid)))
    assert told[-1]["process_resident_memory_bytes"] == pytest.approx(resident, rel=0.2)
    assert told[-1]["kube_apiserver_nodeport_allocator_available_ports"] == 2768
    assert [value for series, value in told[-1].items() if series.startswith("kubernetes_build_info{")] == [1]
    victim = await answering(server)
    os.kill(victim, signal.SIGKILL)
    await until_all_answer(server, gone=victim)
    after = await scraped(server)
    assert after[_WRITES] == 20  # what a worker had counted stays
    assert after["process_cpu_seconds_total"] >= told[-1]["process_cpu_seconds_total"]


async def test_a_worker_that_hangs_keeps_its_last_counts(server: ApiServerProcess) -> None:
    await until_all_answer(server)
    async with server.client() as client:
        for turn in range(3):
            await client.create(CONFIG_MAPS, {"metadata": {"name": f"m{turn}", "namespace": "default"}})
        before = await asyncio.wait_for(client.raw("GET", "/metrics"), 5)
        hanging = children(server.pid) - {connected(server)}
        for pid in hanging:
            os.kill(pid, signal.SIGSTOP)
        try:
            after = await asyncio.wait_for(client.raw("GET", "/metrics"), 5)
        finally:
            for pid in hanging:
                os.kill(pid, signal.SIGCONT)
    assert before[0] == after[0] == 200
    assert f"{_WRITES} 3\n" in after[1].decode()


async def test_workers_do_not_outlive_a_killed_supervisor(server: ApiServerProcess) -> None:
    workers = children(server.pid)
    assert len(workers) == 2
    await server.kill()
    for _ in range(600):
        if not living(workers):
            return
        await asyncio.sleep(0.05)
    pytest.fail("workers are still there")


async def test_the_embedded_store_has_one_process(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="several workers need etcd"):
        async with ApiServerProcess(tmp_path, "--workers=2"):
            pass
