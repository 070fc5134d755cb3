"""The server as such: ready when it says so, isolated, gone when it should be."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from api.resources import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS
from apimachinery.errors import NotFound, Unauthorized
from client import kubeconfig
from client.rest import ClientConfig, RestClient
from kubetest import COLLECTORS, ApiServer, StartError

_ROOT = Path(__file__).resolve().parents[3]
_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "here", "namespace": "default"}}
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
_GENERATED = {**_POD, "metadata": {"generateName": "p-", "namespace": "default"}}


def _client(server: ApiServer) -> RestClient:
    return RestClient(kubeconfig.load(str(server.kubeconfig)), user_agent="tests")


def _left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_every_server_has_a_store_of_its_own() -> None:
    async with ApiServer() as one, ApiServer(tls=False) as two:
        assert (one.url.partition(":")[0], two.url.partition(":")[0]) == ("https", "http")
        async with _client(one) as first, _client(two) as second:
            await first.create(CONFIG_MAPS, _MAP)
            with pytest.raises(NotFound):
                await second.get(CONFIG_MAPS, "default", "here")


async def test_what_is_forked_from_one_process_draws_secrets_of_its_own() -> None:
    async with ApiServer() as one, ApiServer() as two:
        for name in ("apiserver.key", "sa.key", "tokens.csv"):
            first, second = ((server.kubeconfig.parent / name).read_bytes() for server in (one, two))
            assert first != second
        async with _client(one) as first_client, _client(two) as second_client:
            pods = [await client.create(PODS, _GENERATED) for client in (first_client, second_client)]
        assert len({pod["metadata"]["uid"] for pod in pods}) == 2
        assert len({pod["metadata"]["name"] for pod in pods}) == 2


async def test_only_its_own_administrator_is_let_in() -> None:
    async with ApiServer() as server:
        config = kubeconfig.load(str(server.kubeconfig))
        async with RestClient(ClientConfig(server.url, config.ssl_context, "another"), user_agent="tests") as client:
            with pytest.raises(Unauthorized):
                await client.list(NAMESPACES, "")


async def test_pods_can_be_made_at_once() -> None:
    async with ApiServer(controllers=COLLECTORS) as server, _client(server) as client:
        assert (await client.create(PODS, _POD))["spec"]["serviceAccountName"] == "default"
    async with ApiServer() as server, _client(server) as client:
        await client.create(PODS, _POD)
        assert not (await client.list(SERVICE_ACCOUNTS, "default"))["items"]


async def test_stopping_leaves_nothing_behind() -> None:
    server = ApiServer(controllers=COLLECTORS)
    async with server:
        pid, folder = server.pid, server.kubeconfig.parent
        assert "Serving" in server.log
        assert pid is not None
        ending = os.pidfd_open(pid)
    assert _has_ended(ending)
    assert not folder.exists()


def _has_ended(pidfd: int) -> bool:
    """Whether the process has; the descriptor is closed."""
    try:
        return bool(select.select([pidfd], [], [], 0)[0])
    finally:
        os.close(pidfd)


def _parent(server: ApiServer) -> int:
    """The process that the server was forked from."""
    return int(Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_servers_share_what_they_are_forked_from_and_outlive_it() -> None:
    async with ApiServer() as one, ApiServer() as two:
        common = _parent(one)
        assert common == _parent(two)
        ending = os.pidfd_open(common)
        os.kill(common, signal.SIGKILL)
        assert select.select([ending], [], [], 20)[0]
        os.close(ending)
        async with ApiServer() as three, _client(one) as old, _client(three) as new:
            assert _parent(three) != common
            assert await old.list(NAMESPACES, "")
            assert await new.list(NAMESPACES, "")


def test_a_fork_of_the_test_run_has_servers_of_its_own() -> None:
    with ApiServer() as server:
        read, write = os.pipe()
        fork = os.fork()
        if fork == 0:
            with ApiServer() as its:
                os.write(write, f"{_parent(its)} {its.url}".encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as stream:
            parent, _, url = stream.read().partition(" ")
        assert os.waitpid(fork, 0)[1] == 0
        assert url.startswith("https://")
        assert url != server.url
        assert int(parent) != _parent(server)
        with ApiServer() as another:
            assert _parent(another) == _parent(server)


def test_a_killed_test_run_leaves_nothing_behind() -> None:
    code = "from kubetest import ApiServer; s = ApiServer().start(); print(s.pid, s.kubeconfig, flush=True); input()"
    runner = subprocess.Popen(
        [sys.executable, "-c", code], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with runner:
        assert runner.stdout is not None
        pid, _, config = runner.stdout.readline().strip().partition(" ")
        # The process is not our child: only its pidfd tells when it has ended.
        descriptor = os.pidfd_open(int(pid))
        try:
            runner.kill()
            ended, _, _ = select.select([descriptor], [], [], 20)
        finally:
            if not ended:
                os.kill(int(pid), signal.SIGKILL)
            os.close(descriptor)
    assert ended
    assert not Path(config).parent.exists()


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (ApiServer(flags=["--no-such-flag"]), "unknown flag"),
        (ApiServer(controllers=["no-such-controller"]), "not in the list of known controllers"),
        (ApiServer(timeout=0.0), "not ready after 0 seconds"),
    ],
)
def test_says_why_it_did_not_start(server: ApiServer, why: str) -> None:
    with pytest.raises(StartError, match=why):
        server.start()
    assert server.pid is None


async def test_a_cancelled_start_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server = ApiServer()
    starting = asyncio.create_task(server.__aenter__())
    await asyncio.sleep(0)  # the task begins, and with it the thread
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert server.pid is None
    assert not _left(tmp_path)
