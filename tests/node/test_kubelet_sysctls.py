"""Kernel settings of pods, on a kubelet."""

from __future__ import annotations

import pytest

from tests.node.kubelet_lab import KubeletLab, make_pod

pytestmark = pytest.mark.timeout(300)


async def test_a_safe_setting_is_the_pods_own_and_another_is_refused(lab: KubeletLab) -> None:
    setting = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "7"}
    show = ["sh", "-c", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; exec sleep 600"]
    await lab.create(make_pod("tuned", show, securityContext={"sysctls": [setting]}))
    await lab.wait_ready("tuned")
    assert await lab.logs("tuned") == "7\n"
    unsafe = {"name": "kernel.msgmax", "value": "65536"}
    await lab.create(make_pod("greedy", securityContext={"sysctls": [unsafe]}))
    refused = (await lab.wait_phase("greedy", "Failed"))["status"]
    assert refused["reason"] == "SysctlForbidden"
    assert refused["message"] == 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'
    await lab.wait_event("greedy", "SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted')
