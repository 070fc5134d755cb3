"""The Node object of this machine: labels, addresses, capacity, conditions. Pure.

`kubelet/machine.py` reads the facts, `kubelet/node_status.py` writes the object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.core.resourcenames import is_extended
from apimachinery.objects import Object

MAX_NAMES_PER_IMAGE = 5
_COMPARED = ("NetworkUnavailable", "MemoryPressure", "DiskPressure", "PIDPressure", "Ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the machine is: facts that do not change while the kubelet runs."""

    cpus: int
    memory_bytes: int
    disk_bytes: int
    hostname: str
    machine_id: str = ""
    system_uuid: str = ""
    boot_id: str = ""
    kernel_version: str = ""
    os_image: str = ""
    architecture: str = "amd64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is free now, and what of it is too little (see `eviction.py`)."""

    memory_pressure: bool = False
    disk_pressure: bool = False
    pid_pressure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """All that goes into the Node object."""

    name: str
    ip: str
    machine: Machine
    kubelet_port: int = 10250
    runtime_version: str = ""
    kubelet_version: str = ""
    max_pods: int = 110
    reserved: Mapping[str, int] = field(default_factory=dict)  #: "cpu" in thousandths, "memory" in bytes
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()
    schedulable: bool = True
    images: Sequence[tuple[Sequence[str], int]] = ()
    usage: Usage = Usage()
    trouble: Sequence[str] = ()  #: why the node is not ready
    pod_network: str = ""  #: the pod network's backend, once it works; "" while it does not, or routes are others' work


def default_labels(facts: NodeFacts) -> dict[str, str]:
    """The labels that every node gets, and those of --node-labels."""
    system = {
        "beta.kubernetes.io/arch": facts.machine.architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": facts.machine.architecture,
        "kubernetes.io/hostname": facts.machine.hostname,
        "kubernetes.io/os": "linux",
    }
    return {**system, **facts.labels}


def capacity(facts: NodeFacts) -> dict[str, str]:
    """status.capacity."""
    return {
        "cpu": str(facts.machine.cpus),
        "ephemeral-storage": f"{facts.machine.disk_bytes // 1024}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{facts.machine.memory_bytes // 1024}Ki",
        "pods": str(facts.max_pods),
    }


def allocatable(facts: NodeFacts, hard_eviction_memory: int) -> dict[str, str]:
    """status.allocatable: the capacity less what is reserved and what eviction keeps free."""
    result = capacity(facts)
    cpu = facts.machine.cpus * 1000 - facts.reserved.get("cpu", 0)
    result["cpu"] = str(cpu // 1000) if cpu % 1000 == 0 else f"{cpu}m"
    memory = facts.machine.memory_bytes - facts.reserved.get("memory", 0) - hard_eviction_memory
    result["memory"] = f"{max(0, memory) // 1024}Ki"
    result["ephemeral-storage"] = str(facts.machine.disk_bytes * 9 // 10)
    return result


def extended_resources(old: Mapping[str, Any]) -> dict[str, str]:
    """What an administrator has written into status.capacity and the kubelet has no word on: all of it is allocatable
    (https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/)."""
    return {name: value for name, value in (old.get("capacity") or {}).items() if is_extended(name)}


def conditions(facts: NodeFacts, old: Sequence[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
    """The conditions, their transition times kept where nothing changed. NetworkUnavailable is for whoever makes the
    routes between nodes to say: the kubelet says it once it does and they work."""
    usage = facts.usage
    fresh = [
        _pressure("MemoryPressure", usage.memory_pressure, "KubeletHasInsufficientMemory",
                  "kubelet has insufficient memory available", "KubeletHasSufficientMemory",
                  "kubelet has sufficient memory available"),
        _pressure("DiskPressure", usage.disk_pressure, "KubeletHasDiskPressure", "kubelet has disk pressure",
                  "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        _pressure("PIDPressure", usage.pid_pressure, "KubeletHasInsufficientPID",
                  "kubelet has insufficient PID available", "KubeletHasSufficientPID",
                  "kubelet has sufficient PID available"),
        _ready(facts.trouble),
    ]  # fmt: skip
    if facts.pod_network:
        text = f"the pod network ({facts.pod_network}) is running on this node"
        fresh.insert(0, {"type": "NetworkUnavailable", "status": "False", "reason": "PodNetworkIsUp", "message": text})
    before = {condition["type"]: condition for condition in old}
    for condition in fresh:
        was = before.get(condition["type"])
        same = was is not None and was.get("status") == condition["status"]
        condition["lastHeartbeatTime"] = now
        condition["lastTransitionTime"] = was["lastTransitionTime"] if same and was else now
    return fresh


def _pressure(kind: str, pressed: bool, bad: str, bad_text: str, good: str, good_text: str) -> dict[str, Any]:
    if pressed:
        return {"type": kind, "status": "True", "reason": bad, "message": bad_text}
    return {"type": kind, "status": "False", "reason": good, "message": good_text}


def _ready(trouble: Sequence[str]) -> dict[str, Any]:
    if trouble:
        text = trouble[0] if len(trouble) == 1 else f"[{', '.join(trouble)}]"
        return {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": text}
    return {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}


def node_status(facts: NodeFacts, old: Mapping[str, Any], now: str, hard_eviction_memory: int) -> dict[str, Any]:
    """The whole status."""
    machine = facts.machine
    extended = extended_resources(old)
    return {
        "capacity": capacity(facts) | extended,
        "allocatable": allocatable(facts, hard_eviction_memory) | extended,
        "conditions": conditions(facts, old.get("conditions") or (), now),
        "addresses": [
            {"type": "InternalIP", "address": facts.ip},
            {"type": "Hostname", "address": machine.hostname},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": facts.kubelet_port}},
        "nodeInfo": {
            "machineID": machine.machine_id,
            "systemUUID": machine.system_uuid,
            "bootID": machine.boot_id,
            "kernelVersion": machine.kernel_version,
            "osImage": machine.os_image,
            "containerRuntimeVersion": facts.runtime_version,
            "kubeletVersion": facts.kubelet_version,
            "kubeProxyVersion": facts.kubelet_version,
            "operatingSystem": "linux",
            "architecture": machine.architecture,
        },
        "images": [{"names": list(names)[:MAX_NAMES_PER_IMAGE], "sizeBytes": size} for names, size in facts.images],
    }


def new_node(facts: NodeFacts, status: Mapping[str, Any]) -> Object:
    """The object to register."""
    taints = [dict(taint) for taint in facts.taints]
    if facts.trouble:
        taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    spec: dict[str, Any] = {"taints": taints} if taints else {}
    if not facts.schedulable:
        spec["unschedulable"] = True
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": facts.name,
            "labels": default_labels(facts),
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": spec,
        "status": dict(status),
    }


def label_patch(node: Object, facts: NodeFacts) -> dict[str, Any] | None:
    """The merge patch that brings a node registered earlier to the labels of now; None when it has them."""
    have = (node.get("metadata") or {}).get("labels") or {}
    missing = {key: value for key, value in default_labels(facts).items() if have.get(key) != value}
    return {"metadata": {"labels": missing}} if missing else None


def status_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether anything but heartbeat times differs: then the status is written at once."""
    return _without_times(old) != _without_times(new)


def status_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The strategic merge patch from one to the other. Of resources it names what has changed, and as null what is no
    more; what an administrator changes meanwhile stays as they say."""
    resources = {name: _changes(old.get(name) or {}, new[name]) for name in ("capacity", "allocatable")}
    return {"status": {**new, **resources}}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {name: new.get(name) for name in {**old, **new} if old.get(name) != new.get(name)}


def _without_times(status: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: status.get(key) for key in ("capacity", "allocatable", "addresses", "nodeInfo", "images")}
    result["daemonEndpoints"] = status.get("daemonEndpoints")
    result["conditions"] = {
        c["type"]: (c.get("status"), c.get("reason"), c.get("message"))
        for c in status.get("conditions") or ()
        if c["type"] in _COMPARED
    }
    return result
