"""Nothing acknowledged is lost and no watcher is told a lie, whatever happens to the store meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from apimachinery.errors import Timeout
from apiserver.storage.etcd3 import open_etcd
from apiserver.storage.interface import Delete, Put
from apiserver.storage.sqlite import open_sqlite
from apiserver.watchcache.encoding import encode_stored
from apiserver.watchcache.window import Window
from tests.etcd_server import EtcdServer
from tests.integration.storage.cable import Cable
from tests.integration.storage.checker import Trial, pod


@pytest.fixture
async def etcd(tmp_path: Path) -> AsyncIterator[EtcdServer]:
    server = EtcdServer(tmp_path)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.kill)


async def test_etcd_killed_again_and_again(etcd: EtcdServer) -> None:
    storage = await open_etcd([etcd.url])
    start = await storage.current_revision()
    trial = Trial(storage, seed=1)
    await trial.start()
    for _ in range(3):
        await asyncio.sleep(0.7)
        await asyncio.to_thread(etcd.kill)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(etcd.start)
    await asyncio.sleep(0.5)
    await trial.check()
    await trial.check_events(start)
    assert sum(len(writer.acknowledged) for writer in trial.writers) > 20
    await trial.stop()
    await storage.close()


async def caught_up(trial: Trial, revision: int) -> None:
    """Wait until the feed, connected again, has come to this revision."""
    async with asyncio.timeout(20):
        while True:
            with suppress(Timeout):
                return await trial.feed.reach(revision)


async def test_history_lost_while_the_connection_was_cut(etcd: EtcdServer, caplog: pytest.LogCaptureFixture) -> None:
    """Others write and compact meanwhile: the feed lists again, and its watchers are told that history is gone."""
    cable = Cable(etcd.url)
    await cable.mend()
    storage, other = await open_etcd([cable.url]), await open_etcd([etcd.url])
    trial = Trial(storage, seed=2)
    await trial.start()
    for number in range(3):
        await asyncio.sleep(0.4)
        await cable.cut()
        await other.commit([Put(f"/registry/pods/default/other{number}", encode_stored(pod("other", 1)), 0)])
        another = f"/registry/pods/default/another{number}"
        written = await other.commit([Put(another, b"{}", 0)])
        await other.compact(written)
        last = await other.commit([Delete(another, written)])
        await cable.mend()
        await caught_up(trial, last)
    await trial.check()
    assert caplog.text.count("Listing everything again") == 3
    await trial.stop()
    await cable.cut()
    await storage.close()
    await other.close()


async def test_the_second_endpoint_takes_over(tmp_path: Path, etcd: EtcdServer) -> None:
    storage = await open_etcd(["http://127.0.0.1:1", etcd.url])
    trial = Trial(storage, seed=3)
    await trial.start()
    await asyncio.sleep(0.5)
    await trial.check()
    await trial.stop()
    await storage.close()


@pytest.mark.parametrize("seed", [4, 5])
async def test_the_embedded_store_with_compaction_and_a_narrow_window(tmp_path: Path, seed: int) -> None:
    storage = await open_sqlite(str(tmp_path / "store.db"))
    start = await storage.current_revision()
    trial = Trial(storage, seed)
    await trial.start()
    for step in range(5):
        await asyncio.sleep(0.3)
        if step == 3:
            trial.cache.window = Window(trial.feed.revision, max_events=50)
            trial.cache._cut_all()
    await trial.check()
    assert start < await storage.current_revision()
    await storage.compact(await storage.current_revision())
    await trial.stop()
    await storage.close()


WRITER = """
import asyncio, sys
from apiserver.storage.interface import Put
from apiserver.storage.sqlite import open_sqlite

async def main():
    storage = await open_sqlite(sys.argv[1])
    async def write(name):
        for number in range(100000):
            await storage.commit([Put(f"/{name}/{number:06}", b"x" * 500, 0)])
            print(f"/{name}/{number:06}", flush=True)
    await asyncio.gather(*[write(name) for name in "abcdefgh"])

asyncio.run(main())
"""


async def test_the_embedded_store_killed_while_it_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    acknowledged: list[str] = []
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER.replace("/{name}/", f"/{len(acknowledged)}{{name}}/"), path,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        if process.stdout is None:
            raise AssertionError("no pipe")
        for _ in range(300):
            acknowledged.append((await process.stdout.readline()).decode().strip())
        process.kill()
        rest = (await process.stdout.read()).decode()
        acknowledged += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        await process.wait()
        storage = await open_sqlite(path)
        page = await storage.list("/")
        assert {line.strip() for line in acknowledged} <= {item.key for item in page.items}
        revisions = sorted(item.revision for item in page.items)
        assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
        await storage.close()
