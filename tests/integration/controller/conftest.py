"""A control plane per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.controller.plane import ControlPlane


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    """API server, controller manager, scheduler, and two nodes."""
    # With the rights of each controller's own role, as deployed.
    async with ControlPlane(tmp_path, "--use-service-account-credentials") as running:
        for name in ("n1", "n2"):
            await running.kubelet.add_node(name)
        yield running
