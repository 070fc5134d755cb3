"""Pods that use more of the node's disk than they said they would."""

from __future__ import annotations

import pytest

from tests.node.kubelet_lab import KubeletLab, make_pod

pytestmark = pytest.mark.timeout(300)


def writer(name: str, path: str, **spec: object) -> dict[str, object]:
    """A pod that writes three megabytes, and stays."""
    line = "x" * 1023
    script = f"i=0; while [ $i -lt 3000 ]; do echo {line}; i=$((i+1)); done > {path}; while true; do sleep 1; done"
    return make_pod(name, ["sh", "-c", script], **spec)


async def test_a_pod_over_its_disk_limit_is_evicted(lab: KubeletLab) -> None:
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    volume = {"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}
    await lab.create(writer("volume", "/v/file", container=mounts, volumes=[volume]))
    limits = {"resources": {"limits": {"ephemeral-storage": "1Mi"}}}
    await lab.create(writer("layer", "/tmp/file", container=limits))
    roomy = {"name": "v", "emptyDir": {"sizeLimit": "100Mi"}}
    await lab.create(writer("within", "/v/file", container=mounts, volumes=[roomy]))
    for name, why in (("volume", "Usage of EmptyDir volume"), ("layer", "Pod ephemeral local storage usage exceeds")):
        status = (await lab.wait_phase(name, "Failed"))["status"]
        assert status["reason"] == "Evicted"
        assert status["message"].startswith(why)
    assert (await lab.status("within"))["ready"] is True
