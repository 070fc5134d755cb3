"""What Docker is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.plan import names
from kubelet.plan.docker_config import Bind, NodeSettings, container_config, host_name, sandbox_config
from kubelet.plan.security import SecurityError, check_non_root
from tests.unit.kubelet.plan.pods import container, make_pod

SETTINGS = NodeSettings(root_dir="/var/lib/kubelet", memory_capacity=1 << 30, oom_floor=0)


def config_of(pod: Object, **more: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "image": "nginx:latest", "sandbox_id": "s1", "attempt": 2, "environment": {"A": "1"}, "binds": [],
        "settings": SETTINGS,
    }  # fmt: skip
    return container_config(pod, pod["spec"]["containers"][0], **{**arguments, **more})


def test_a_sandbox_has_a_network_namespace_without_docker_s_network() -> None:
    config = sandbox_config(make_pod(), "pause", SETTINGS)
    assert config["NetworkDisabled"]
    assert config["Hostname"] == "p"
    assert config["HostConfig"]["IpcMode"] == "shareable"
    assert config["HostConfig"]["OomScoreAdj"] == 0  # no lower than is allowed here
    assert config["Labels"][names.POD_UID] == "u1"
    assert config["Labels"][names.CONTAINER_TYPE] == names.TYPE_SANDBOX


def test_a_sandbox_on_the_host() -> None:
    config = sandbox_config(make_pod(hostNetwork=True, hostIPC=True, hostPID=True), "pause", SETTINGS)
    assert "NetworkDisabled" not in config
    host = config["HostConfig"]
    assert (host["NetworkMode"], host["IpcMode"], host["PidMode"]) == ("host", "host", "host")


def test_a_container_joins_the_sandbox() -> None:
    config = config_of(make_pod())
    assert config["HostConfig"]["NetworkMode"] == "container:s1"
    assert config["HostConfig"]["IpcMode"] == "container:s1"
    assert "PidMode" not in config["HostConfig"]
    assert config["HostConfig"]["OomScoreAdj"] == 1000
    assert config["Labels"][names.RESTART_COUNT] == "2"
    assert config["Labels"][names.SANDBOX_ID] == "s1"
    assert "Entrypoint" not in config
    assert config["HostConfig"]["SecurityOpt"] == ["seccomp=unconfined"]
    shared = config_of(make_pod(shareProcessNamespace=True))
    assert shared["HostConfig"]["PidMode"] == "container:s1"


def test_command_arguments_and_directory() -> None:
    config = config_of(make_pod(container(command=["run", "$(A)"], args=["$$(A)"], workingDir="/w", tty=True)))
    assert config["Entrypoint"] == ["run", "1"]
    assert config["Cmd"] == ["$(A)"]
    assert (config["WorkingDir"], config["Tty"]) == ("/w", True)


def test_resources() -> None:
    limits = {"cpu": "250m", "memory": "64Mi"}
    host = config_of(make_pod(container(resources={"limits": limits, "requests": {"cpu": "100m"}})))["HostConfig"]
    assert (host["CpuShares"], host["CpuPeriod"], host["CpuQuota"]) == (102, 100000, 25000)
    assert host["Memory"] == host["MemorySwap"] == 64 << 20
    assert config_of(make_pod())["HostConfig"]["CpuShares"] == 2


def test_security() -> None:
    context = {
        "runAsUser": 1000, "runAsGroup": 2000, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    pod = make_pod(container(securityContext=context), securityContext={"runAsUser": 1, "fsGroup": 5})
    config = config_of(pod)
    assert config["User"] == "1000:2000"
    host = config["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert (host["CapAdd"], host["CapDrop"], host["GroupAdd"]) == (["NET_ADMIN"], ["ALL"], ["5"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    with pytest.raises(SecurityError, match="cannot load seccomp profile"):
        config_of(
            make_pod(container(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "x"}}))
        )


@pytest.mark.parametrize(
    ("user", "image_user", "message"),
    [
        (0, "", "runAsUser breaks non-root policy"),
        (None, "", "image will run as root"),
        (None, "0:0", "image will run as root"),
        (None, "nginx", "non-numeric user \\(nginx\\)"),
    ],
)
def test_run_as_non_root(user: int | None, image_user: str, message: str) -> None:
    context = {"runAsNonRoot": True, **({"runAsUser": user} if user is not None else {})}
    pod = make_pod(container(securityContext=context))
    with pytest.raises(SecurityError, match=message):
        check_non_root(pod, pod["spec"]["containers"][0], image_user)


def test_run_as_non_root_is_satisfied_by_a_number() -> None:
    pod = make_pod(securityContext={"runAsNonRoot": True})
    check_non_root(pod, pod["spec"]["containers"][0], "1000")


def test_mounts() -> None:
    mounts = config_of(make_pod(), binds=[Bind("/src", "/dst", True, "rslave")])["HostConfig"]["Mounts"]
    assert mounts == [
        {
            "Type": "bind", "Source": "/src", "Target": "/dst", "ReadOnly": True,
            "BindOptions": {"Propagation": "rslave"},
        }
    ]  # fmt: skip


def test_host_names() -> None:
    assert host_name(make_pod()) == ("p", "")
    named = make_pod(hostname="h", subdomain="s")
    assert host_name(named, "cluster.local") == ("h", "s.ns.svc.cluster.local")
    named["spec"]["setHostnameAsFQDN"] = True
    assert host_name(named, "cluster.local")[0] == "h.s.ns.svc.cluster.local"
    long = make_pod()
    long["metadata"]["name"] = "a" * 62 + "-b"
    assert host_name(long)[0] == "a" * 62
