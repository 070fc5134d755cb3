"""Requests, tolerations, node selectors."""

from __future__ import annotations

import pytest

from api.placement.nodeselector import required_node_names, requirement_matches, selector_matches
from api.placement.resources import host_ports, nonzero_requests, pod_requests
from api.placement.tolerations import tolerates
from apimachinery.objects import Object


def container(cpu: str, **more: str) -> Object:
    """A container that requests cpu."""
    return {"resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("spec", "milli"),
    [
        ({"containers": [container("1"), container("500m")]}, 1500),
        ({"containers": [container("1")], "initContainers": [container("2"), container("3")]}, 3000),
        ({"containers": [container("1")], "initContainers": [container("500m")]}, 1000),
        ({"containers": [container("1")], "initContainers": [container("2", restartPolicy="Always")]}, 3000),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("1", restartPolicy="Always"), container("4")],
            },
            5000,
        ),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, 1250),
    ],
)
def test_cpu_requests(spec: Object, milli: int) -> None:
    assert pod_requests({"spec": spec}) == {"cpu": milli}


def test_pods_without_requests_count_when_nodes_are_scored() -> None:
    assert pod_requests({"spec": {"containers": [{}]}}) == {}
    assert nonzero_requests({"spec": {"containers": [{}, container("1")]}}) == (1100, 2 * 200 * 1024 * 1024)


def test_host_ports() -> None:
    ports = [{"hostPort": 80}, {"containerPort": 1}, {"hostPort": 53, "protocol": "UDP", "hostIP": "10.0.0.1"}]
    assert host_ports({"spec": {"containers": [{"ports": ports}]}}) == {("TCP", "0.0.0.0", 80), ("UDP", "10.0.0.1", 53)}


@pytest.mark.parametrize(
    ("toleration", "covers"),
    [
        ({"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations(toleration: Object, covers: bool) -> None:
    assert tolerates(toleration, {"key": "k", "value": "v", "effect": "NoSchedule"}) is covers


@pytest.mark.parametrize(
    ("operator", "values", "matches"),
    [
        ("In", ["8"], True),
        ("NotIn", ["8"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Gt", ["7"], True),
        ("Gt", ["8"], False),
        ("Lt", ["9"], True),
        ("Lt", ["x"], False),
    ],
)
def test_requirements(operator: str, values: list[str], matches: bool) -> None:
    requirement = {"key": "cores", "operator": operator, "values": values}
    assert requirement_matches(requirement, {"cores": "8"}) is matches


def test_terms_are_alternatives_and_an_empty_one_selects_nothing() -> None:
    node = {"metadata": {"name": "n", "labels": {"a": "1"}}}
    term = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}
    assert selector_matches({"nodeSelectorTerms": [{}, term]}, node)
    assert not selector_matches({"nodeSelectorTerms": [{}]}, node)


def test_pods_that_name_their_nodes() -> None:
    def affinity(*terms: Object) -> Object:
        wanted = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
        return {"affinity": {"nodeAffinity": wanted}}

    named = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
    other = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    assert required_node_names(affinity(named)) == frozenset({"n"})
    assert required_node_names(affinity(named, other)) is None
    assert required_node_names({}) is None
