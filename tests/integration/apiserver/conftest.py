"""One API server for the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServerProcess]:
    """A fresh API server on the embedded store."""
    async with ApiServerProcess(tmp_path_factory.mktemp("apiserver")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(server: ApiServerProcess) -> AsyncIterator[RestClient]:
    """A client of it, as the administrator."""
    async with server.client() as client:
        yield client
