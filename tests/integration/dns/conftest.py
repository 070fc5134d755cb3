"""An API server with the cluster's DNS Service and the rights of its servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NAMESPACES, ROLE_BINDINGS, ROLES, SERVICES
from client.rest import RestClient
from component.hostaddress import host_address
from tests.apiserver_process import ApiServerProcess

MANIFEST = Path(__file__).parents[3] / "deploy/manifests/kube-dns.yaml"
_RESOURCES = {
    one.kind: one for one in (NAMESPACES, SERVICES, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLES, ROLE_BINDINGS)
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    """A fresh API server to which the manifest of kube-dns was applied."""
    async with ApiServerProcess(tmp_path) as running:
        async with running.client() as admin:
            for found in yaml.safe_load_all(MANIFEST.read_text()):
                await admin.create(_RESOURCES[found["kind"]], found)
        yield running


@pytest.fixture
async def api(server: ApiServerProcess) -> AsyncIterator[RestClient]:
    """A client of it, as the administrator."""
    async with server.client() as client:
        yield client


@pytest.fixture
def own_address() -> str:
    """An address of this machine that an EndpointSlice may hold: none of loopback."""
    found = host_address()
    assert found is not None
    return found
