"""Decide which of one pod's containers to start, stop or keep, and whether its sandbox must be made (again).

Pure; the rules are those of computePodActions in pkg/kubelet/kuberuntime/kuberuntime_manager.go. `pod_worker.py`
carries the answer out; `restart.py` computes the delays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from apimachinery.objects import Object, is_deleting
from kubelet.plan.names import spec_hash
from kubelet.plan.records import ContainerRecord, PodRecord

Container = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KillContainer:
    """Stop one running container; `message` is the text of the Killing event."""

    id: str
    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodActions:
    """What to do, in this order: kill the pod, create the sandbox, kill containers, start containers."""

    kill_pod: bool = False
    create_sandbox: bool = False
    sandbox_id: str = ""  #: the newest sandbox, "" when there is none
    attempt: int = 0  #: of the sandbox to be created
    kill: tuple[KillContainer, ...] = ()
    start_ephemeral: tuple[str, ...] = ()
    next_init: str = ""  #: the init container to start
    start: tuple[str, ...] = ()


#: Why a running container must end: its container id -> which probe failed.
FailedProbes = Mapping[str, Literal["liveness", "startup"]]


def compute_pod_actions(pod: Object, seen: PodRecord, failed_probes: FailedProbes, has_ip: bool = True) -> PodActions:
    """What brings the pod from `seen` to its spec. `has_ip`: whether the newest sandbox is on the network."""
    needed, attempt, sandbox_id = _sandbox_needed(pod, seen, has_ip)
    if needed:
        return _with_new_sandbox(pod, seen, attempt, sandbox_id)
    ephemeral = tuple(c["name"] for c in pod["spec"].get("ephemeralContainers") or () if seen.latest(c["name"]) is None)
    next_init, done, failed = next_init_container(pod, seen)
    if not done:
        if failed and not _restarts_failures(pod):
            return PodActions(kill_pod=True, sandbox_id=sandbox_id, attempt=attempt)
        return PodActions(sandbox_id=sandbox_id, attempt=attempt, next_init=next_init, start_ephemeral=ephemeral)
    return _for_containers(pod, seen, failed_probes, sandbox_id, attempt, ephemeral)


def _sandbox_needed(pod: Object, seen: PodRecord, has_ip: bool) -> tuple[bool, int, str]:
    newest = seen.sandbox
    if newest is None:
        return True, 0, ""
    if newest.state == "created":
        return True, newest.attempt, newest.id  # it never ran (a crash in between): the same attempt again
    if not newest.running:
        return True, newest.attempt + 1, newest.id
    if not has_ip and not pod["spec"].get("hostNetwork"):
        return True, newest.attempt + 1, newest.id
    return False, newest.attempt, newest.id


def _with_new_sandbox(pod: Object, seen: PodRecord, attempt: int, sandbox_id: str) -> PodActions:
    spec = pod["spec"]
    policy = restart_policy(pod)
    if policy == "Never" and attempt != 0 and seen.containers:
        # The pod has run and its sandbox is gone: nothing may run again.
        return PodActions(kill_pod=True, sandbox_id=sandbox_id, attempt=attempt)
    start = tuple(c["name"] for c in spec["containers"] if should_restart(pod, seen.latest(c["name"]), fresh=True))
    if not start:
        return PodActions(kill_pod=bool(sandbox_id), sandbox_id=sandbox_id, attempt=attempt)
    init = spec.get("initContainers") or ()
    if init:
        return PodActions(
            kill_pod=True, create_sandbox=True, sandbox_id=sandbox_id, attempt=attempt, next_init=init[0]["name"]
        )
    return PodActions(kill_pod=True, create_sandbox=True, sandbox_id=sandbox_id, attempt=attempt, start=start)


def next_init_container(pod: Object, seen: PodRecord) -> tuple[str, bool, bool]:
    """(name of the init container to start or "", whether all are done, whether the named one failed before)."""
    init = pod["spec"].get("initContainers") or ()
    if not init:
        return "", True, False
    if any((record := seen.latest(c["name"])) is not None and record.running for c in pod["spec"]["containers"]):
        return "", True, False
    for index in range(len(init) - 1, -1, -1):
        record = seen.latest(init[index]["name"])
        if record is None:
            continue
        if record.running:
            return "", False, False
        if record.state == "exited" and record.exit_code == 0:
            if index == len(init) - 1:
                return "", True, False
            return init[index + 1]["name"], False, False
        return init[index]["name"], False, record.state == "exited"
    return init[0]["name"], False, False


def _for_containers(
    pod: Object, seen: PodRecord, failed_probes: FailedProbes, sandbox_id: str, attempt: int, ephemeral: tuple[str, ...]
) -> PodActions:
    kill: list[KillContainer] = []
    start: list[str] = []
    kept = 0
    for container in pod["spec"]["containers"]:
        name = container["name"]
        record = seen.latest(name)
        if record is None or not record.running:
            if should_restart(pod, record):
                start.append(name)
            continue
        why, restart = _why_end(pod, container, record, failed_probes)
        if not why:
            kept += 1
            continue
        if restart:
            why += ", will be restarted"
            start.append(name)
        kill.append(KillContainer(record.id, name, why))
    return PodActions(
        kill_pod=kept == 0 and not start,
        sandbox_id=sandbox_id,
        attempt=attempt,
        kill=tuple(kill),
        start=tuple(start),
        start_ephemeral=ephemeral,
    )


def _why_end(
    pod: Object, container: Container, record: ContainerRecord, failed_probes: FailedProbes
) -> tuple[str, bool]:
    name = container["name"]
    if record.spec_hash and record.spec_hash != spec_hash(container):
        return f"Container {name} definition changed", True
    probe = failed_probes.get(record.id)
    if probe:
        return f"Container {name} failed {probe} probe", _restarts_failures(pod)
    return "", False


def restart_policy(pod: Object) -> str:
    """spec.restartPolicy, by default Always."""
    return pod["spec"].get("restartPolicy") or "Always"


def _restarts_failures(pod: Object) -> bool:
    return restart_policy(pod) != "Never"


def should_restart(pod: Object, record: ContainerRecord | None, fresh: bool = False) -> bool:
    """Whether a container that is not running is to be started; `fresh`: whether its sandbox is made anew, so that
    what ran in the old one has ended too."""
    if is_deleting(pod):
        return False
    if record is None:
        return True
    if record.running:
        return fresh
    if record.state != "exited":
        return True
    policy = restart_policy(pod)
    if policy == "Never":
        return False
    return policy == "Always" or record.exit_code != 0
