"""The official client against an API server of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client, config

from kubetest import ApiServer


@pytest.fixture
def core(kube_api: ApiServer) -> Iterator[client.CoreV1Api]:
    with config.new_client_from_config(str(kube_api.kubeconfig)) as api_client:
        yield client.CoreV1Api(api_client)


def test_a_config_map_is_kept(core: client.CoreV1Api) -> None:
    wanted = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="settings"), data={"color": "blue"})
    core.create_namespaced_config_map("default", wanted)
    assert core.read_namespaced_config_map("settings", "default").data == {"color": "blue"}


def test_a_second_one_of_the_same_name_is_refused(core: client.CoreV1Api) -> None:
    wanted = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="only-one"))
    core.create_namespaced_config_map("default", wanted)
    with pytest.raises(client.ApiException) as refused:
        core.create_namespaced_config_map("default", wanted)
    assert refused.value.status == 409
