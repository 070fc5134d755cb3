"""The pytest plugin: fixtures that give a running API server.

`kube_api` is shared by all tests of a run, `fresh_kube_api` is one test's own; `kube_api_options` says how they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from kubetest.processes import FORK_SERVER
from kubetest.server import ApiServer

__all__ = ["fresh_kube_api", "kube_api", "kube_api_options", "pytest_collectstart", "pytest_itemcollected"]

_FIXTURES = {"fresh_kube_api", "kube_api"}


def pytest_collectstart(collector: pytest.Collector) -> None:
    """A module that speaks of a fixture will need servers: what they need is imported while pytest imports the module,
    and the client library with it, which takes as long."""
    with suppress(OSError):  # only the start of a server says what is wrong
        if isinstance(collector, pytest.Module) and b"kube_api" in collector.path.read_bytes():
            FORK_SERVER.warm()


def pytest_itemcollected(item: pytest.Item) -> None:
    """So will a test that gets it through another fixture."""
    with suppress(OSError):
        if isinstance(item, pytest.Function) and not _FIXTURES.isdisjoint(item.fixturenames):
            FORK_SERVER.warm()


@pytest.fixture(scope="session")
def kube_api_options() -> Mapping[str, Any]:
    """Keyword arguments of kubetest.ApiServer for the servers below; override it in a conftest.py."""
    return {}


@pytest.fixture(scope="session")
def kube_api(kube_api_options: Mapping[str, Any]) -> Iterator[ApiServer]:
    """A Kubernetes API server (kubetest.ApiServer), shared by all tests of the run."""
    with ApiServer(**kube_api_options) as server:
        yield server


@pytest.fixture
def fresh_kube_api(kube_api_options: Mapping[str, Any]) -> Iterator[ApiServer]:
    """A Kubernetes API server (kubetest.ApiServer) of this test's own, with an empty store."""
    with ApiServer(**kube_api_options) as server:
        yield server
