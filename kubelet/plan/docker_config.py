"""The bodies of Docker's POST /containers/create for a pod's sandbox and its containers.

Pure. A sandbox is created with its own empty network namespace but without Docker's network (NetworkDisabled):
the pod network is attached by the kubelet, and Docker's own set-up would cost 150 ms a pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery.objects import Object
from kubelet.plan import names
from kubelet.plan.environment import expand
from kubelet.plan.qos import SANDBOX_OOM, docker_resources, oom_score_adj
from kubelet.plan.security import host_config, security_options, user_of
from kubelet.plan.sysctls import sysctls_of

NO_HEALTHCHECK = {"Test": ["NONE"]}
_SANDBOX_SHARES = 2


@dataclass(frozen=True, slots=True)
class Bind:
    """A host path seen in the container."""

    source: str
    target: str
    read_only: bool = False
    propagation: str = ""  #: "", "rslave" or "rshared"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What is the same for every container of this node."""

    root_dir: str
    memory_capacity: int = 0
    oom_floor: int = -1000  #: the lowest score that may be set here
    cfs_quota: bool = True
    log_max_size: str = "10m"
    log_max_files: int = 5
    pids_limit: int = -1


def host_name(pod: Object, cluster_domain: str = "") -> tuple[str, str]:
    """(host name, DNS domain) of the pod: spec.hostname or its name, cut to 63; the domain only with a subdomain."""
    spec = pod["spec"]
    hostname = spec.get("hostname") or pod["metadata"]["name"][:63].rstrip("-.")
    subdomain = spec.get("subdomain") or ""
    domain = ""
    if subdomain and cluster_domain:
        domain = f"{subdomain}.{pod['metadata']['namespace']}.svc.{cluster_domain}"
    if spec.get("setHostnameAsFQDN") and domain:
        return f"{hostname}.{domain}", domain
    return hostname, domain


def sandbox_config(pod: Object, image: str, settings: NodeSettings) -> dict[str, Any]:
    """The sandbox: the pause container that holds the pod's namespaces."""
    spec = pod["spec"]
    shared = spec.get("securityContext") or {}
    host: dict[str, Any] = {
        "CpuShares": _SANDBOX_SHARES,
        "OomScoreAdj": max(SANDBOX_OOM, settings.oom_floor),
        "IpcMode": "host" if spec.get("hostIPC") else "shareable",
        "LogConfig": {"Type": "none", "Config": {}},
        "SecurityOpt": security_options(pod, "", {"seLinuxOptions": shared.get("seLinuxOptions")}, {}),
    }
    if spec.get("hostPID"):
        host["PidMode"] = "host"
    if sysctls := sysctls_of(pod):
        host["Sysctls"] = sysctls
    config: dict[str, Any] = {
        "Image": image,
        "Labels": names.sandbox_labels(pod, settings.root_dir),
        "Healthcheck": NO_HEALTHCHECK,
        "HostConfig": host,
    }
    if spec.get("hostNetwork"):
        host["NetworkMode"] = "host"
    else:
        config["NetworkDisabled"] = True
        config["Hostname"] = host_name(pod)[0]
    return config


def container_config(
    pod: Object, container: Mapping[str, Any], *, image: str, sandbox_id: str, attempt: int,
    environment: Mapping[str, str], binds: Sequence[Bind], settings: NodeSettings, message_file: str = "",
    profiles: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One container that joins the sandbox. `image` is what Docker finds it by; raises `SecurityError`."""
    spec = pod["spec"]
    sandbox = f"container:{sandbox_id}"
    host = host_config(pod, container, profiles or {})
    host.update(docker_resources(container, settings.cfs_quota))
    host["OomScoreAdj"] = max(oom_score_adj(pod, container, settings.memory_capacity), settings.oom_floor)
    host["NetworkMode"] = "host" if spec.get("hostNetwork") else sandbox
    host["IpcMode"] = "host" if spec.get("hostIPC") else sandbox
    if spec.get("hostPID"):
        host["PidMode"] = "host"
    elif spec.get("shareProcessNamespace"):
        host["PidMode"] = sandbox
    host["Mounts"] = [_mount(bind) for bind in binds]
    log = {"max-size": settings.log_max_size, "max-file": str(settings.log_max_files)}
    host["LogConfig"] = {"Type": "json-file", "Config": log}
    if settings.pids_limit > 0:
        host["PidsLimit"] = settings.pids_limit
    labels = _labels(pod, container, sandbox_id, attempt, settings, message_file)
    config: dict[str, Any] = {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": labels,
        "Healthcheck": NO_HEALTHCHECK,
        "HostConfig": host,
        "OpenStdin": bool(container.get("stdin")),
        "StdinOnce": bool(container.get("stdinOnce")),
        "Tty": bool(container.get("tty")),
    }
    if container.get("command"):
        config["Entrypoint"] = [expand(text, environment) for text in container["command"]]
    if container.get("args"):
        config["Cmd"] = [expand(text, environment) for text in container["args"]]
    if container.get("workingDir"):
        config["WorkingDir"] = container["workingDir"]
    user = user_of(pod, container)
    if user:
        config["User"] = user
    return config


def _mount(bind: Bind) -> dict[str, Any]:
    mount: dict[str, Any] = {"Type": "bind", "Source": bind.source, "Target": bind.target, "ReadOnly": bind.read_only}
    if bind.propagation:
        mount["BindOptions"] = {"Propagation": bind.propagation}
    return mount


def _labels(
    pod: Object, container: Mapping[str, Any], sandbox_id: str, attempt: int, settings: NodeSettings, message_file: str
) -> dict[str, str]:
    labels = {
        **names.pod_labels(pod, settings.root_dir),
        names.CONTAINER_NAME: container["name"],
        names.CONTAINER_TYPE: names.TYPE_CONTAINER,
        names.SANDBOX_ID: sandbox_id,
        names.CONTAINER_HASH: names.spec_hash(dict(container)),
        names.RESTART_COUNT: str(attempt),
        names.MESSAGE_PATH: container.get("terminationMessagePath") or "/dev/termination-log",
        names.MESSAGE_POLICY: container.get("terminationMessagePolicy") or "File",
        names.GRACE_PERIOD: str(pod["spec"].get("terminationGracePeriodSeconds", 30)),
    }
    if message_file:
        labels[names.MESSAGE_FILE] = message_file
    hook = (container.get("lifecycle") or {}).get("preStop")
    if hook:
        labels[names.PRE_STOP] = orjson.dumps(hook).decode()
    return labels
