"""One API server for all tests of a module: they use namespaces and names of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    """A fresh API server."""
    async with ApiServerProcess(tmp_path, "--enable-admission-plugins=NodeRestriction") as running:
        yield running


@pytest.fixture
async def admin(server: ApiServerProcess) -> AsyncIterator[RestClient]:
    """A client as a member of system:masters."""
    async with server.client() as client:
        yield client
