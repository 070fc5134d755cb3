"""The operator of greeter.py, run by kopf as in earnest, against an API server of the test's own."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from kopf.testing import KopfRunner
from kubernetes import client, config, watch

from kubetest import ApiServer

OPERATOR = Path(__file__).with_name("greeter.py")


@pytest.fixture
def core(fresh_kube_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[client.CoreV1Api]:
    monkeypatch.setenv("KUBECONFIG", str(fresh_kube_api.kubeconfig))
    with config.new_client_from_config(str(fresh_kube_api.kubeconfig)) as api_client:
        yield client.CoreV1Api(api_client)


def wait_for(core: client.CoreV1Api, kind: str, name: str, after: str) -> client.V1Secret:
    """The Secret, as soon as an event of that kind tells of it; `after` is the resourceVersion to begin at."""
    events = watch.Watch().stream(core.list_namespaced_secret, "default", resource_version=after, timeout_seconds=20)
    return next(event["object"] for event in events if (event["type"], event["object"].metadata.name) == (kind, name))


def test_greets_and_tidies_up(core: client.CoreV1Api) -> None:
    with KopfRunner(["run", "--all-namespaces", "--standalone", str(OPERATOR)], timeout=30) as runner:
        wanted = {"metadata": {"name": "world", "labels": {"greet": "World"}}}
        made = core.create_namespaced_config_map("default", wanted)

        greeting = wait_for(core, "ADDED", "world-greeting", after=made.metadata.resource_version)
        assert base64.b64decode(greeting.data["text"]) == b"Hello World"
        assert greeting.metadata.owner_references[0].name == "world"

        core.delete_namespaced_config_map("world", "default")
        wait_for(core, "DELETED", "world-greeting", after=greeting.metadata.resource_version)
    assert runner.exit_code == 0
