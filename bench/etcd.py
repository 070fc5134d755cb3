"""What a write to etcd costs the API server: `python -m bench.etcd` starts an etcd of its own on loopback.

Each write is a transaction of one new key of 2,000 bytes, as a create is; a watch of all keys runs beside them, as
that of the watch caches does, and has to hear of every one. CPU time is this process's, so that of the client alone."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from apiserver.storage.etcd3 import open_etcd
from apiserver.storage.interface import Put, Revision, Storage
from tests.etcd_server import EtcdServer

_VALUE = b"x" * 2000


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="bench.etcd", description=__doc__)
    parser.add_argument("--writers", type=int, default=32, help="that write at a time, one key after the other")
    parser.add_argument("--writes", type=int, default=100, help="of each of them in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        server = EtcdServer(Path(folder))
        server.start()
        try:
            uvloop.run(_measure(server.url, options.writers, options.writes, options.rounds))
        finally:
            server.kill()
    return 0


async def _measure(url: str, writers: int, writes: int, rounds: int) -> None:
    storage = await open_etcd([url])
    try:
        for number in range(rounds):
            after = await storage.current_revision()
            began, cpu = time.perf_counter(), time.process_time()
            watching = asyncio.create_task(_hear(storage, after, writers * writes))
            await asyncio.gather(*(_write(storage, f"/{number}/{writer}", writes) for writer in range(writers)))
            await asyncio.wait_for(watching, 10)
            count, seconds, spent = writers * writes, time.perf_counter() - began, time.process_time() - cpu
            print(f"{count / seconds:7.0f} writes a second, {spent / count * 1e6:4.0f} µs of CPU each", flush=True)
    finally:
        await storage.close()


async def _write(storage: Storage, prefix: str, writes: int) -> None:
    for index in range(writes):
        await storage.commit([Put(f"{prefix}/{index}", _VALUE, 0)])


async def _hear(storage: Storage, after: Revision, wanted: int) -> None:
    """Until so many changes were heard of."""
    async for batch in storage.watch("", after=after):
        wanted -= len(batch.events)
        if wanted <= 0:
            return


if __name__ == "__main__":
    raise SystemExit(main())
