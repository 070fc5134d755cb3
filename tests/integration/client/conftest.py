"""One API server for all tests of the client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    """A fresh API server."""
    async with ApiServerProcess(tmp_path) as running:
        yield running


@pytest.fixture
async def api(server: ApiServerProcess) -> AsyncIterator[RestClient]:
    """A client of it, as the administrator."""
    async with server.client() as client:
        yield client
