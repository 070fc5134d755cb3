"""A kopf operator on a custom resource: handlers for create, update and delete, its finalizer, a timer, the status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kopf.testing import KopfRunner
from kubernetes import client, config, watch

from kubetest import ApiServer
from tests.integration.kubetest.lamps import GROUP, PLURAL, VERSION, define, lamp

OPERATOR = Path(__file__).with_name("lamp_operator.py")


@pytest.fixture
def api_client(fresh_kube_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[client.ApiClient]:
    monkeypatch.setenv("KUBECONFIG", str(fresh_kube_api.kubeconfig))
    with config.new_client_from_config(str(fresh_kube_api.kubeconfig)) as made:
        define(made)
        yield made


def until(lamps: client.CustomObjectsApi, after: str, is_it: Callable[[str, dict[str, Any]], bool]) -> dict[str, Any]:
    """The first event of the lamp, after that resourceVersion, that is what the test waits for."""
    arguments = {"resource_version": after, "timeout_seconds": 20}
    events = watch.Watch().stream(lamps.list_namespaced_custom_object, GROUP, VERSION, "default", PLURAL, **arguments)
    return next(event["object"] for event in events if is_it(event["type"], event["object"]))


@pytest.mark.timeout(120)
def test_a_lamps_life(api_client: client.ApiClient) -> None:
    lamps, core = client.CustomObjectsApi(api_client), client.CoreV1Api(api_client)
    where = (GROUP, VERSION, "default", PLURAL)
    with KopfRunner(["run", "--all-namespaces", "--standalone", str(OPERATOR)], timeout=60) as runner:
        made = lamps.create_namespaced_custom_object(*where, lamp("desk"))
        after = made["metadata"]["resourceVersion"]
        assert made["spec"]["bulbs"] == 1
        lit = until(lamps, after, lambda kind, obj: obj.get("status", {}).get("light") == {"color": "red"})
        assert (lit["status"]["lit"], lit["status"]["bulbs"]) == ("red", 1)
        assert lit["metadata"]["finalizers"] == ["example.com/lamp-operator"]
        until(lamps, after, lambda kind, obj: obj.get("status", {}).get("ticks") == 5)

        lamps.patch_namespaced_custom_object(*where, "desk", {"spec": {"color": "blue"}})
        repainted = until(lamps, after, lambda kind, obj: obj.get("status", {}).get("lit") == "blue")
        assert repainted["status"]["was"] == "red"
        assert repainted["metadata"]["generation"] == 2  # the operator's own patches went to the status

        lamps.delete_namespaced_custom_object(*where, "desk")
        until(lamps, after, lambda kind, obj: kind == "DELETED")
        assert core.read_namespaced_config_map("desk-out", "default").data == {"lit": "blue"}
    assert runner.exit_code == 0, runner.output
