"""What plugins are made with."""

from __future__ import annotations

import pytest

from apiserver.admission.base import Setting
from apiserver.authz import chain
from apiserver.webhooks.caller import Caller
from tests.unit.apiserver.objects import MemoryLoopback, OneVersion


@pytest.fixture
def api() -> MemoryLoopback:
    """An empty cluster."""
    return MemoryLoopback()


@pytest.fixture
def setting(api: MemoryLoopback) -> Setting:
    """The setting of plugins."""
    return Setting(api=api, authorizer=chain(["AlwaysAllow"], api), webhooks=Caller(api), versions=OneVersion())
