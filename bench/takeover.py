"""How soon one of two schedulers leads after the other was killed, and after it was stopped.

`python -m bench.takeover` starts an API server on SQLite and both schedulers itself, on loopback. Times are from the
signal until the watch of the Lease tells that another one holds it."""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from api.resources import LEASES
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.integration.controller.plane import Daemon, kubeconfig

_NAME = "kube-scheduler"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="bench.takeover", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="of each way to end the leader")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), options.times))
    return 0


async def _measure(folder: Path, times: int) -> None:
    async with ApiServerProcess(folder) as server, server.client() as client:
        config = folder / "kubeconfig"
        config.write_text(kubeconfig(server.port))
        leader, other = (_scheduler(folder / name, config) for name in ("one", "two"))
        try:
            await leader.start()
            await _until_led_by_another_than(client, "")
            await other.start()
            for how in ("killed", "stopped"):
                seconds = []
                for _ in range(times):
                    await asyncio.sleep(10 + random.uniform(0, 2))  # any moment between two renewals
                    seconds.append(await _takeover(client, leader, how))
                    leader, other = other, leader
                    await other.start()
                print(f"{how}: another leads after {', '.join(f'{s:.2f}' for s in seconds)} s", flush=True)
        finally:
            await leader.kill()
            await other.kill()


def _scheduler(folder: Path, config: Path) -> Daemon:
    folder.mkdir()
    return Daemon("scheduler.app", folder, f"--kubeconfig={config}", "--secure-port=0")


async def _takeover(client: RestClient, leader: Daemon, how: str) -> float:
    holder = (await client.get(LEASES, "kube-system", _NAME))["spec"]["holderIdentity"]
    began = time.monotonic()
    led = asyncio.create_task(_until_led_by_another_than(client, holder))
    if how == "killed":
        await leader.kill()
    else:
        await leader.stop()
    await led
    return time.monotonic() - began


async def _until_led_by_another_than(client: RestClient, holder: str) -> None:
    leases = client.watch(
        LEASES, "kube-system", resource_version="0", field_selector=f"metadata.name={_NAME}", timeout_seconds=120
    )
    async for event in leases:
        if event.object.get("spec", {}).get("holderIdentity", "") not in ("", holder):
            return
    raise TimeoutError("nobody leads")


if __name__ == "__main__":
    raise SystemExit(main())
