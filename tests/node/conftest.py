"""Where the kubelet's tests run: a network namespace with Docker's pods in it, and a kubelet with its API server.

Tests of the network and the proxy make their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.node.kubelet_lab import KubeletLab
from tests.node.lab import Lab, fresh_namespace


@pytest.fixture
def node() -> Iterator[Lab]:
    """A network namespace of the test's own."""
    with fresh_namespace():
        lab = Lab()
        yield lab
        lab.close()


@pytest_asyncio.fixture
async def lab(node: Lab, tmp_path: Path) -> AsyncIterator[KubeletLab]:
    """A kubelet, and an API server that it reports to."""
    lab = KubeletLab(tmp_path)
    try:
        await lab.start()
        yield lab
    finally:
        await lab.close()
