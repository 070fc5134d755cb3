"""The Node object, admission, quality of service, eviction."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from apimachinery import schema
from apimachinery.patch import strategic
from kubelet.plan.admission import rejection
from kubelet.plan.eviction import (
    DiskUse,
    Level,
    PodUse,
    Threshold,
    disk_limit_exceeded,
    has_disk_limit,
    message,
    met,
    parse_thresholds,
    rank,
)
from kubelet.plan.node import (
    Machine,
    NodeFacts,
    Usage,
    label_patch,
    new_node,
    node_status,
    status_changed,
    status_patch,
)
from kubelet.plan.qos import oom_score_adj, qos_class
from tests.unit.kubelet.plan.pods import container, make_pod

MACHINE = Machine(cpus=4, memory_bytes=8 << 30, disk_bytes=100 << 30, hostname="n1")
FACTS = NodeFacts(name="n1", ip="192.0.2.1", machine=MACHINE, labels={"zone": "a"}, reserved={"cpu": 500, "memory": 0})
NOW = "2026-01-01T00:00:00Z"
_NODE = "io.k8s.api.core.v1.Node"


def with_resources(requests: dict[str, str], limits: dict[str, str] | None = None) -> dict[str, Any]:
    return container(resources={"requests": requests, "limits": limits or {}})


def node(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "n1", "labels": labels}}


def test_capacity_and_what_of_it_pods_may_have() -> None:
    status = node_status(FACTS, {}, NOW, 100 << 20)
    assert status["capacity"]["cpu"] == "4"
    assert status["allocatable"]["cpu"] == "3500m"
    assert status["allocatable"]["memory"] == f"{(8 << 20) - 100 * 1024}Ki"
    assert status["addresses"][0] == {"type": "InternalIP", "address": "192.0.2.1"}


def test_resources_that_an_administrator_has_given_the_node_are_allocatable() -> None:
    before = node_status(FACTS, {}, NOW, 0)
    before["capacity"] = before["capacity"] | {"example.com/dongle": "4", "gone.kubernetes.io/unit": "1", "cpu": "1"}
    status = node_status(FACTS, before, NOW, 0)
    assert status["capacity"]["example.com/dongle"] == status["allocatable"]["example.com/dongle"] == "4"
    assert "gone.kubernetes.io/unit" not in status["allocatable"]
    assert status["capacity"]["cpu"] == "4"
    assert status_changed(before, status)
    assert not status_changed(status, node_status(FACTS, status, NOW, 0))


def test_resources_that_an_administrator_has_taken_away_are_no_longer_allocatable() -> None:
    """A merge leaves what it does not name: the scheduler would go on giving out what is no more."""
    with_dongle = node_status(FACTS, {"capacity": {"example.com/dongle": "4"}}, NOW, 0)
    before = {**with_dongle, "capacity": node_status(FACTS, {}, NOW, 0)["capacity"]}
    status = node_status(FACTS, before, NOW, 0)
    assert status_changed(before, status)
    written = strategic.apply({"status": before}, status_patch(before, status), schema.load().named(_NODE))
    assert written["status"]["allocatable"] == status["allocatable"]
    assert not status_changed(written["status"], node_status(FACTS, written["status"], NOW, 0))


def test_the_patch_does_not_bring_back_what_is_taken_away_meanwhile() -> None:
    before = node_status(FACTS, {"capacity": {"example.com/dongle": "4"}}, NOW, 0)
    larger = dataclasses.replace(FACTS, machine=dataclasses.replace(MACHINE, cpus=8))
    patch = status_patch(before, node_status(larger, before, NOW, 0))
    assert patch["status"]["capacity"] == {"cpu": "8"}
    assert patch["status"]["allocatable"] == {"cpu": "7500m"}


def test_conditions_say_what_is_wrong_and_since_when() -> None:
    good = node_status(FACTS, {}, NOW, 0)
    assert {c["type"]: c["status"] for c in good["conditions"]} == {
        "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True",
    }  # fmt: skip
    later = "2026-01-01T01:00:00Z"
    bad_facts = dataclasses.replace(FACTS, trouble=["runtime is down"], usage=Usage(memory_pressure=True))
    bad = node_status(bad_facts, good, later, 0)
    by_type = {c["type"]: c for c in bad["conditions"]}
    assert (by_type["Ready"]["status"], by_type["Ready"]["message"]) == ("False", "runtime is down")
    assert by_type["Ready"]["lastTransitionTime"] == later
    assert by_type["DiskPressure"]["lastTransitionTime"] == NOW
    assert by_type["DiskPressure"]["lastHeartbeatTime"] == later
    assert by_type["MemoryPressure"]["reason"] == "KubeletHasInsufficientMemory"
    assert status_changed(good, bad)
    assert not status_changed(good, node_status(FACTS, good, later, 0))


def test_a_pod_network_that_works_takes_the_mark_of_a_node_without_one() -> None:
    before = {"conditions": [{"type": "NetworkUnavailable", "status": "True", "lastTransitionTime": NOW}]}
    assert "NetworkUnavailable" not in {c["type"] for c in node_status(FACTS, before, NOW, 0)["conditions"]}
    later = "2026-01-01T01:00:00Z"
    up = node_status(dataclasses.replace(FACTS, pod_network="vxlan"), before, later, 0)
    assert up["conditions"][0] == {
        "type": "NetworkUnavailable", "status": "False", "reason": "PodNetworkIsUp",
        "message": "the pod network (vxlan) is running on this node",
        "lastHeartbeatTime": later, "lastTransitionTime": later,
    }  # fmt: skip
    assert status_changed(before, up)


def test_registration_and_labels() -> None:
    node = new_node(FACTS, {})
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"
    assert label_patch(node, FACTS) is None
    assert label_patch(node, dataclasses.replace(FACTS, labels={"zone": "b"})) == {
        "metadata": {"labels": {"zone": "b"}}
    }


@pytest.mark.parametrize(
    ("containers", "wanted"),
    [
        ([container()], "BestEffort"),
        ([with_resources({"cpu": "1"})], "Burstable"),
        ([with_resources({}, {"cpu": "1", "memory": "1Gi"})], "Guaranteed"),
        ([with_resources({"cpu": "1", "memory": "1Gi"}, {"cpu": "1000m", "memory": "1024Mi"})], "Guaranteed"),
        ([with_resources({"cpu": "1"}, {"cpu": "2", "memory": "1Gi"})], "Burstable"),
        ([with_resources({}, {"cpu": "1", "memory": "1Gi"}), container("b")], "Burstable"),
    ],
)
def test_quality_of_service(containers: list[dict[str, Any]], wanted: str) -> None:
    assert qos_class(make_pod(*containers)) == wanted


def test_oom_scores() -> None:
    burstable = with_resources({"memory": "1Gi"})
    assert oom_score_adj(make_pod(burstable), burstable, 4 << 30) == 750
    assert oom_score_adj(make_pod(), container(), 4 << 30) == 1000
    tiny = with_resources({"memory": "1"})
    assert oom_score_adj(make_pod(tiny), tiny, 4 << 30) == 999
    huge = with_resources({"memory": "4Gi"})
    assert oom_score_adj(make_pod(huge), huge, 4 << 30) == 3
    guaranteed = with_resources({}, {"cpu": "1", "memory": "1Gi"})
    assert oom_score_adj(make_pod(guaranteed), guaranteed, 4 << 30) == -997


def test_a_node_rejects_what_does_not_fit() -> None:
    allocatable = {"cpu": "1", "memory": "1Gi", "pods": "2"}
    one = make_pod(with_resources({"cpu": "600m"}))
    assert rejection(one, [], allocatable, node()) is None
    assert rejection(one, [one], allocatable, node()) == (
        "OutOfcpu",
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 600, used: 600, capacity: 1000",
    )
    assert (rejection(make_pod(), [make_pod(), make_pod()], allocatable, node()) or ("",))[0] == "OutOfpods"
    selects = make_pod(nodeSelector={"a": "b"})
    assert (rejection(selects, [], allocatable, node()) or ("",))[0] == "NodeAffinity"
    assert rejection(selects, [], allocatable, node(a="b")) is None
    assert rejection(selects, [], allocatable, None) is None
    term = {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}
    needs = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    avoids = make_pod(affinity={"nodeAffinity": needs})
    assert (rejection(avoids, [], allocatable, node(a="b")) or ("",))[0] == "NodeAffinity"
    assert rejection(avoids, [], allocatable, node()) is None
    port = make_pod(container(ports=[{"containerPort": 80, "hostPort": 8080}]))
    assert (rejection(port, [port], allocatable, node()) or ("",))[0] == "NodePorts"
    other = make_pod(container(ports=[{"containerPort": 80, "hostPort": 8080, "protocol": "UDP"}]))
    assert rejection(port, [other], allocatable, node()) is None


def test_taints_that_end_pods_keep_new_ones_out() -> None:
    tainted = node() | {"spec": {"taints": [{"key": "k", "effect": "NoExecute"}, {"key": "o", "effect": "NoSchedule"}]}}
    assert rejection(make_pod(), [], {}, tainted) == (
        "TaintToleration",
        "Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
    )
    assert rejection(make_pod(tolerations=[{"key": "k", "operator": "Exists"}]), [], {}, tainted) is None
    static = make_pod()
    static["metadata"] = static["metadata"] | {"annotations": {"kubernetes.io/config.source": "file"}}
    assert rejection(static, [], {}, tainted) is None


def test_eviction_thresholds() -> None:
    thresholds = parse_thresholds("memory.available<100Mi,nodefs.available<10%")
    assert thresholds == (Threshold("memory.available", amount=100 << 20), Threshold("nodefs.available", share=0.1))
    levels = {"memory.available": Level(99 << 20, 1 << 30), "nodefs.available": Level(11, 100)}
    assert met(thresholds, levels) == [thresholds[0]]
    with pytest.raises(ValueError, match="unsupported eviction signal x"):
        parse_thresholds("x<1")
    with pytest.raises(ValueError, match="invalid eviction threshold syntax memory"):
        parse_thresholds("memory")


def test_soft_thresholds_have_a_grace() -> None:
    (soft,) = parse_thresholds("memory.available<1Gi", {"memory.available": 90.0})
    assert (soft.grace_seconds, soft.resource) == (90.0, "memory")
    with pytest.raises(ValueError, match="grace period must be specified"):
        parse_thresholds("memory.available<1Gi", {})


def test_memory_comes_before_disk() -> None:
    thresholds = parse_thresholds("nodefs.available<10%,memory.available<100Mi")
    levels = {"memory.available": Level(1, 1 << 30), "nodefs.available": Level(1, 100)}
    assert [threshold.resource for threshold in met(thresholds, levels)] == ["memory", "ephemeral-storage"]


def test_what_an_evicted_pod_is_told() -> None:
    pod = make_pod(with_resources({"memory": "1Mi"}))
    name = pod["spec"]["containers"][0]["name"]
    threshold = Threshold("memory.available", amount=100 << 20)
    text = message(threshold, Level(50 << 20, 1 << 30), PodUse(pod, 2 << 20, {name: 2 << 20}))
    assert text == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        f"Container {name} was using 2Mi, request is 1Mi, has larger consumption of memory. "
    )


def test_disk_limits_of_a_pod() -> None:
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}, {"name": "m", "emptyDir": {"medium": "Memory"}}]
    pod = make_pod(volumes=volumes)
    assert has_disk_limit(pod)
    assert not has_disk_limit(make_pod(volumes=volumes[1:]))
    assert disk_limit_exceeded(pod, DiskUse(empty_dirs={"v": 1 << 20})) is None
    over = disk_limit_exceeded(pod, DiskUse(empty_dirs={"v": (1 << 20) + 1}))
    assert over == 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
    limited = make_pod(container(name="c", resources={"limits": {"ephemeral-storage": "2Mi"}}))
    assert disk_limit_exceeded(limited, DiskUse({"c": 1 << 20}, {"v": 1 << 20})) is None
    total = disk_limit_exceeded(limited, DiskUse({"c": 1 << 20}, {"v": 2 << 20}))
    assert total == "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. "
    one_of_two = make_pod(container(name="c", resources={"limits": {"ephemeral-storage": "2Mi"}}), container(name="d"))
    assert disk_limit_exceeded(one_of_two, DiskUse({"c": 3 << 20, "d": 9 << 20})) == (
        'Container c exceeded its local ephemeral storage limit "2Mi". '
    )


def test_who_is_evicted_first() -> None:
    within = PodUse(make_pod(with_resources({"memory": "1Gi"})), 1 << 29)
    over = PodUse(make_pod(with_resources({"memory": "1Mi"})), 1 << 28)
    more_over = PodUse(make_pod(), 1 << 30)
    important = PodUse(make_pod(priority=1000), 1 << 31)
    critical = PodUse(make_pod(priority=2_000_000_000), 1 << 33)
    assert rank([within, critical, important, over, more_over], "memory") == [more_over, over, important, within]
