"""Every rule's refusals, in the words of kube-scheduler."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from scheduler.decide import Placed, Unschedulable
from scheduler.messages import event_message, why_no_preemption, why_unschedulable
from tests.unit.scheduler.cluster import FakeLookups, chosen, cluster, node, place, pod, possible, reasons

TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"}
ZONES = [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}]


def required(expressions: list[Object]) -> Object:
    """A required node affinity of one term."""
    terms = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


@pytest.mark.parametrize(
    ("on_node", "of_pod", "reason"),
    [
        ({"cpu": "1"}, {"cpu": "1100m"}, "Insufficient cpu"),
        ({"pods": "0"}, {}, "Too many pods"),
        ({"unschedulable": True}, {}, "node(s) were unschedulable"),
        ({"taints": [TAINT]}, {}, "node(s) had untolerated taint {dedicated: gpu}"),
        ({}, {"nodeSelector": {"disk": "ssd"}}, "node(s) didn't match Pod's node affinity/selector"),
        ({"zone": "b"}, {"affinity": required(ZONES)}, "node(s) didn't match Pod's node affinity/selector"),
        (
            {},
            {"containers": [{"resources": {"requests": {"example.com/gpu": "1"}}}]},
            "Insufficient example.com/gpu",
        ),
        (
            {"allocatable": {"ephemeral-storage": "1Gi"}},
            {"containers": [{"resources": {"requests": {"ephemeral-storage": "2Gi"}}}]},
            "Insufficient ephemeral-storage",
        ),
        (
            {"cpu": "2"},
            {
                "containers": [{"resources": {"requests": {"cpu": "1"}}}],
                "initContainers": [{"resources": {"requests": {"cpu": "3"}}}],
            },
            "Insufficient cpu",
        ),
    ],
)
def test_a_node_is_refused(on_node: dict[str, Any], of_pod: dict[str, Any], reason: str) -> None:
    assert reasons(pod("p", **of_pod), cluster(node("n", **on_node))) == {reason}


@pytest.mark.parametrize(
    ("on_node", "of_pod"),
    [
        ({"cpu": "1"}, {"cpu": "1"}),
        ({"taints": [TAINT]}, {"tolerations": [TOLERATION]}),
        ({"taints": [TAINT]}, {"tolerations": [{"operator": "Exists"}]}),
        ({"taints": [{**TAINT, "effect": "PreferNoSchedule"}]}, {}),
        (
            {"unschedulable": True},
            {
                "tolerations": [
                    {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"}
                ]
            },
        ),
        ({"labels": {"disk": "ssd"}}, {"nodeSelector": {"disk": "ssd"}}),
        ({"zone": "a"}, {"affinity": required(ZONES)}),
        ({"labels": {"cores": "8"}}, {"affinity": required([{"key": "cores", "operator": "Gt", "values": ["4"]}])}),
    ],
)
def test_a_node_is_taken(on_node: dict[str, Any], of_pod: dict[str, Any]) -> None:
    assert chosen(pod("p", **of_pod), cluster(node("n", **on_node))) == "n"


def ports(port: int, ip: str = "", protocol: str = "TCP") -> list[Object]:
    """Containers that take a host port."""
    return [{"ports": [{"hostPort": port, "hostIP": ip, "protocol": protocol}]}]


@pytest.mark.parametrize(
    ("there", "wanted", "fits"),
    [
        (ports(80), ports(80), False),
        (ports(80), ports(81), True),
        (ports(80), ports(80, protocol="UDP"), True),
        (ports(80, "10.0.0.1"), ports(80), False),
        (ports(80, "10.0.0.1"), ports(80, "10.0.0.2"), True),
    ],
)
def test_host_ports(there: list[Object], wanted: list[Object], fits: bool) -> None:
    snapshot = cluster(node("n"), pods=[pod("there", on="n", containers=there)])
    info = pod("p", containers=wanted)
    if fits:
        assert chosen(info, snapshot) == "n"
    else:
        assert reasons(info, snapshot) == {"node(s) didn't have free ports for the requested pod ports"}


def test_what_is_taken_counts_and_comes_back() -> None:
    there = pod("there", cpu="3", on="n")
    snapshot = cluster(node("n", cpu="4"), pods=[there])
    assert reasons(pod("p", cpu="2"), snapshot) == {"Insufficient cpu"}
    snapshot.remove_pod(there)
    assert chosen(pod("p", cpu="2"), snapshot) == "n"


def test_the_emptier_node_is_better() -> None:
    snapshot = cluster(node("full"), node("empty"), pods=[pod("a", cpu="2", on="full")])
    assert chosen(pod("p", cpu="1"), snapshot) == "empty"


def test_preferred_node_affinity_and_taints_weigh_more() -> None:
    preferred = [{"weight": 10, "preference": {"matchExpressions": ZONES}}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    snapshot = cluster(node("a", zone="a"), node("b", zone="b"), pods=[pod("x", cpu="2", on="a")])
    assert chosen(pod("p", cpu="1", affinity=affinity), snapshot) == "a"
    avoided = cluster(node("a", taints=[{"key": "k", "effect": "PreferNoSchedule"}]), node("b"))
    assert chosen(pod("p"), avoided) == "b"


def test_an_image_that_is_there_already_attracts() -> None:
    images = [{"names": ["image:latest"], "sizeBytes": 900 * 1024 * 1024}]
    assert chosen(pod("p"), cluster(node("a"), node("b", images=images))) == "b"


def test_messages_count_reasons_over_nodes() -> None:
    snapshot = cluster(node("a", cpu="1"), node("b", cpu="1"), node("c", unschedulable=True))
    outcome = place(pod("p", cpu="2"), snapshot)
    assert isinstance(outcome, Unschedulable)
    assert why_unschedulable(outcome, why_no_preemption(outcome)) == (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod.."
    )
    assert outcome.rules == {"NodeUnschedulable", "NodeResourcesFit"}


def test_messages_without_nodes_and_too_long_ones() -> None:
    outcome = place(pod("p"), cluster())
    assert isinstance(outcome, Unschedulable)
    assert why_unschedulable(outcome) == "no nodes available to schedule pods"
    assert len(event_message("x" * 2000)) == 1024


def test_a_daemon_pod_looks_at_its_node_alone() -> None:
    terms = {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}]}
    info = pod("p", affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}, cpu="5")
    outcome = place(info, cluster(node("a", cpu="8"), node("b")))
    assert isinstance(outcome, Unschedulable)
    assert why_unschedulable(outcome) == "0/2 nodes are available: 1 Insufficient cpu."


def claim(name: str, *, volume: str = "", cls: str = "", modes: tuple[str, ...] = ("ReadWriteOnce",)) -> Object:
    """A claim for 1Gi."""
    bound = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}} if volume else {}
    spec: Object = {"accessModes": list(modes), "resources": {"requests": {"storage": "1Gi"}}}
    if volume:
        spec["volumeName"] = volume
    if cls:
        spec["storageClassName"] = cls
    metadata = {"name": name, "namespace": "default", "uid": name, **bound}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def volume(
    name: str, *, on: str = "", cls: str = "", size: str = "1Gi", labels: dict[str, str] | None = None
) -> Object:
    """A volume, reachable from one node only where `on` is given."""
    spec: Object = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": cls}
    if on:
        expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [on]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
    return {"kind": "PersistentVolume", "metadata": {"name": name, "labels": labels or {}}, "spec": spec}


LATE = {
    "kind": "StorageClass",
    "metadata": {"name": "late"},
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "WaitForFirstConsumer",
}


@pytest.mark.parametrize(
    ("objects", "answer"),
    [
        ([], {'persistentvolumeclaim "data" not found'}),
        ([claim("data")], {"pod has unbound immediate PersistentVolumeClaims"}),
        ([claim("data", volume="v"), volume("v", on="b")], "b"),
        ([claim("data", volume="v"), volume("v", on="c")], {"node(s) had volume node affinity conflict"}),
        (
            [claim("data", volume="v")],
            {"node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"},
        ),
        ([claim("data", cls="late"), LATE, volume("v", on="b", cls="late")], "b"),
        (
            [claim("data", cls="late"), LATE, volume("v", on="b", cls="late", size="500Mi")],
            {"node(s) didn't find available persistent volumes to bind"},
        ),
        ([claim("data", cls="late"), {**LATE, "provisioner": "example.com/disks"}], "a"),
        (
            [claim("data", volume="v"), volume("v", labels={"topology.kubernetes.io/zone": "elsewhere"})],
            {"node(s) had no available volume zone"},
        ),
    ],
)
def test_volumes(objects: list[Object], answer: str | set[str]) -> None:
    snapshot = cluster(node("a", zone="x", cpu="8"), node("b", zone="y"), lookups=FakeLookups(*objects))
    info = pod("p", volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}])
    if isinstance(answer, str):
        assert answer in possible(info, snapshot)
    else:
        assert reasons(info, snapshot) == answer


def test_a_read_write_once_pod_claim_is_not_shared() -> None:
    lookups = FakeLookups(claim("data", volume="v", modes=("ReadWriteOncePod",)), volume("v", on="a"))
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    snapshot = cluster(node("a"), pods=[pod("there", on="a", volumes=volumes)], lookups=lookups)
    assert reasons(pod("p", volumes=volumes), snapshot) == {
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by "
        "another pod"
    }


def test_all_nodes_get_their_turn() -> None:
    snapshot = cluster(*(node(f"n{number}") for number in range(300)))
    start, seen = 0, set()
    for number in range(300):
        outcome = place(pod(f"p{number}"), snapshot, start=start)
        assert isinstance(outcome, Placed)
        start = outcome.next_start
        seen.add(outcome.node)
        snapshot.add_pod(pod(f"p{number}", on=outcome.node))
    assert len(seen) == 300
