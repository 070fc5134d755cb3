"""Expansion and the variables of a container."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.plan.environment import MissingReference, container_environment, expand, service_variables
from tests.unit.kubelet.plan.pods import container, make_pod


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$(A)", "1"), ("x$(A)y$(B)", "x1y2"), ("$$(A)", "$(A)"), ("$(C)", "$(C)"), ("$A", "$A"), ("$(A", "$(A"),
        ("$", "$"), ("$$", "$"), ("$$$(A)", "$1"), ("", ""), ("$()", "$()"), ("$(A)$(A)", "11"),
    ],
)  # fmt: skip
def test_expand(text: str, wanted: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == wanted


def service(name: str, namespace: str = "ns", ip: str = "10.0.0.1", *ports: dict[str, Any]) -> Object:
    listed = list(ports) or [{"port": 80}]
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": listed}}


def test_service_variables() -> None:
    found = service_variables([service("my-db", "ns", "10.0.0.1", {"port": 5432, "name": "pg-main"})])
    assert found == {
        "MY_DB_SERVICE_HOST": "10.0.0.1", "MY_DB_SERVICE_PORT": "5432", "MY_DB_SERVICE_PORT_PG_MAIN": "5432",
        "MY_DB_PORT": "tcp://10.0.0.1:5432", "MY_DB_PORT_5432_TCP": "tcp://10.0.0.1:5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp", "MY_DB_PORT_5432_TCP_PORT": "5432",
        "MY_DB_PORT_5432_TCP_ADDR": "10.0.0.1",
    }  # fmt: skip
    assert service_variables([service("headless", ip="None")]) == {}


def environment(pod: Object, **more: Any) -> dict[str, str]:
    arguments: dict[str, Any] = {
        "services": [], "config_maps": {}, "secrets": {}, "pod_ip": "10.0.0.2", "host_ip": "192.0.2.1",
        "allocatable": {"cpu": "2", "memory": "1Gi"},
    }  # fmt: skip
    return container_environment(pod, pod["spec"]["containers"][0], **{**arguments, **more})


def test_only_services_of_the_namespace_and_the_api_server() -> None:
    services = [service("kubernetes", "default"), service("a"), service("b", "other")]
    found = environment(make_pod(), services=services)
    assert "KUBERNETES_SERVICE_HOST" in found
    assert "A_SERVICE_HOST" in found
    assert "B_SERVICE_HOST" not in found
    found = environment(make_pod(enableServiceLinks=False), services=services)
    assert "KUBERNETES_SERVICE_HOST" in found
    assert "A_SERVICE_HOST" not in found


def test_values_may_refer_to_what_stands_before() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C", "value": "3"}]
    assert environment(make_pod(container(env=env)))["B"] == "1$(C)"


def test_sources_and_precedence() -> None:
    env_from = [{"configMapRef": {"name": "m"}}, {"prefix": "S_", "secretRef": {"name": "s"}}]
    env = [
        {"name": "X", "value": "own"},
        {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
        {"name": "T", "valueFrom": {"secretKeyRef": {"name": "s", "key": "t"}}},
        {"name": "NO", "valueFrom": {"secretKeyRef": {"name": "none", "key": "t", "optional": True}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "requests.memory", "divisor": "1Mi"}}},
    ]
    resources = {"requests": {"memory": "64Mi"}}
    pod = make_pod(container(env=env, envFrom=env_from, resources=resources))
    maps: dict[str, Object] = {"m": {"data": {"k": "v", "X": "map", "not valid": "1"}}}
    found = environment(pod, config_maps=maps, secrets={"s": {"t": "secret"}, "none": None})
    assert found == {
        "k": "v", "X": "own", "S_t": "secret", "K": "v", "T": "secret", "POD": "p", "IP": "10.0.0.2", "CPU": "2",
        "MEM": "64",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"configMapKeyRef": {"name": "m", "key": "k"}}, "couldn't find key k in ConfigMap ns/m"),
    ],
)
def test_missing_references(source: dict[str, Any], message: str) -> None:
    pod = make_pod(container(env=[{"name": "A", "valueFrom": source}]))
    with pytest.raises(MissingReference, match=message):
        environment(pod, config_maps={"none": None, "m": {"data": {}}}, secrets={"none": None})
