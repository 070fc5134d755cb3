"""--workers: several processes on one port."""

from __future__ import annotations

import asyncio
import os
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


async def started_at(server: ApiServerProcess) -> str:
    """What tells the worker that a new connection reaches from the others."""
    async with server.client() as client:
        _, body = await client.raw("GET", "/metrics")
    return next(line for line in body.decode().splitlines() if line.startswith("process_start_time_seconds "))


async def until_all_answer(server: ApiServerProcess, gone: str = "") -> set[str]:
    """The workers, once two of them answer besides `gone`."""
    seen: set[str] = set()
    for _ in range(600):
        seen.add(await started_at(server))
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
    await until_all_answer(server)
    workers = children(server.pid)
    assert second in workers
    await server.stop()
    assert not living(workers)


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
