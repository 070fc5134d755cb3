"""The bench of the API server, with a small load: it measures what it says, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from api.resources import NAMESPACES, PODS
from client import kubeconfig
from client.rest import RestClient
from kubetest import COLLECTORS, ApiServer

_ROOT = Path(__file__).resolve().parents[3]
_PODS = 64


async def test_every_row_of_the_table_is_measured() -> None:
    async with ApiServer(controllers=COLLECTORS) as server:
        ran = await asyncio.create_subprocess_exec(
            sys.executable, "bench/api.py", f"--kubeconfig={server.kubeconfig}", f"--pid={server.pid}",
            "--namespace=measured", f"--pods={_PODS}", "--seconds=0.3", "--watchers=5", "--limit-seconds=60",
            cwd=_ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await ran.communicate()
        async with RestClient(kubeconfig.load(str(server.kubeconfig)), user_agent="tests") as client:
            pods = (await client.list(PODS, ""))["items"]
            namespaces = [each for each in (await client.list(NAMESPACES, ""))["items"]
                          if each["metadata"]["name"] == "measured"]  # fmt: skip
    assert (ran.returncode, errors) == (0, b""), errors.decode()
    rows = {line[:32].strip(): line[32:].split() for line in output.decode().splitlines()[1:]}
    work = ["create a pod", "get a pod", f"list {_PODS} pods", "list 6 of 64 by label", "watch events delivered"]
    assert list(rows) == [*work, "server's memory"]
    assert int(rows["create a pod"][0]) == _PODS
    for name in work:
        count, per_second = (float(figure) for figure in rows[name][:2])
        assert count > 0
        assert per_second > 0
    assert float(rows["create a pod"][2]) > 0  # of processor time, which the kernel tells in hundredths of a second
    assert float(rows["server's memory"][0]) > 10
    assert not pods
    assert all(each["metadata"].get("deletionTimestamp") for each in namespaces)
