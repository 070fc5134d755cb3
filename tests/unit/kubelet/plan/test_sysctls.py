"""Kernel settings of pods."""

from __future__ import annotations

from typing import Any

import pytest

from kubelet.plan.docker_config import NodeSettings, sandbox_config
from kubelet.plan.sysctls import Allowed, allowed, dotted, rejection
from tests.unit.kubelet.plan.pods import make_pod


def asks(*names: str, **spec: Any) -> dict[str, Any]:
    return make_pod(securityContext={"sysctls": [{"name": name, "value": "1"} for name in names]}, **spec)


@pytest.mark.parametrize(
    ("name", "spec", "unsafe", "why"),
    [
        ("kernel.shm_rmid_forced", {}, [], ""),
        ("net/ipv4/ip_unprivileged_port_start", {}, [], ""),
        ("kernel.msgmax", {}, [], '"kernel.msgmax" not allowlisted'),
        ("kernel.msgmax", {}, ["kernel.msg*"], ""),
        ("net/core/somaxconn", {}, ["net.core.somaxconn"], ""),
        ("net.core.somaxconn2", {}, ["net.core.somaxconn"], '"net.core.somaxconn2" not allowlisted'),
        ("kernel.hostname", {}, ["net.*"], '"kernel.hostname" not allowlisted'),
        ("kernel.shm_rmid_forced", {"hostIPC": True}, [], '"kernel.shm_rmid_forced" not allowed with host IPC enabled'),
        ("net.ipv4.tcp_syncookies", {"hostNetwork": True}, [],
         '"net.ipv4.tcp_syncookies" not allowed with host network enabled'),
        ("net.a.b", {"hostNetwork": True}, ["net.*"], '"net.a.b" not allowed with host network enabled'),
    ],
)  # fmt: skip
def test_what_pods_may_set(name: str, spec: dict[str, Any], unsafe: list[str], why: str) -> None:
    expected = ("SysctlForbidden", f"Pod was rejected: forbidden sysctl: {why}") if why else None
    assert rejection(asks(name, **spec), allowed(unsafe)) == expected


def test_a_pod_without_any() -> None:
    assert rejection(make_pod(), Allowed(frozenset())) is None


@pytest.mark.parametrize("pattern", ["kernel.hostname", "kernel.*", " net.core.somaxconn", "net.*.x", "*", ""])
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"namespaced|must be a sysctl name"):
        allowed([pattern])


@pytest.mark.parametrize(
    ("name", "text"),
    [("net.ipv4.x", "net.ipv4.x"), ("net/ipv4/conf/eth0.1/x", "net.ipv4.conf.eth0/1.x"), ("vm", "vm")],
)
def test_slashes_and_dots(name: str, text: str) -> None:
    assert dotted(name) == text


def test_docker_gets_dots() -> None:
    config = sandbox_config(asks("net/ipv4/tcp_syncookies"), "pause", NodeSettings(root_dir="/r"))
    assert config["HostConfig"]["Sysctls"] == {"net.ipv4.tcp_syncookies": "1"}
