"""Twenty thousand requests that nobody would send: each gets a 2xx or a 4xx in time, and a 4xx has written nothing.

The same seeds give the same requests; what the server makes of them (uids, times) differs from run to run."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from apiserver.storage.etcd3 import open_etcd
from tests.etcd_server import EtcdServer
from tests.integration.fuzz.lane import Lane

_LANES = 2
_REQUESTS = 20_400


@pytest.mark.timeout(900)
async def test_no_request_breaks_the_server(tmp_path: Path) -> None:
    etcd = EtcdServer(tmp_path)
    await asyncio.to_thread(etcd.start)
    storage = await open_etcd([etcd.url])
    codes: Counter[int] = Counter()
    async with AsyncExitStack() as stack:
        lanes: list[Lane] = []
        for seed in range(_LANES):
            folder = tmp_path / f"lane{seed}"
            folder.mkdir()
            lanes.append(await stack.enter_async_context(Lane(folder, storage, etcd.url, seed)))
        await asyncio.gather(*(lane.run(_REQUESTS // _LANES) for lane in lanes))
        faults = [fault for lane in lanes for fault in lane.faults]
        for lane in lanes:
            codes += lane.codes
        assert not faults, f"{len(faults)} faults, the first:\n\n" + "\n\n".join(faults[:8]) + "\n\n" + lanes[0].log()
    await storage.close()
    await asyncio.to_thread(etcd.kill)
    assert codes.total() >= 20_000
    taken = sum(count for code, count in codes.items() if code < 300)
    assert taken > codes.total() / 10, f"too few requests get past decoding to find anything: {codes}"
