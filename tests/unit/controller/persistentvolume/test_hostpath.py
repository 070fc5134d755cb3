"""Volumes made for claims on clusters of one node."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from controller.persistentvolume import hostpath

CLAIM: Object = {
    "metadata": {"name": "data", "namespace": "ns", "uid": "u1"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
CLASS: Object = {"metadata": {"name": "standard"}, "provisioner": hostpath.PROVISIONER, "reclaimPolicy": "Retain"}


def test_the_volume_is_reserved_for_its_claim() -> None:
    made = hostpath.volume_for(CLAIM, CLASS)
    assert made["metadata"]["name"] == "pvc-u1"
    assert made["spec"]["claimRef"]["uid"] == "u1"
    assert made["spec"]["capacity"] == {"storage": "1Gi"}
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert hostpath.volume_for(CLAIM, {"metadata": {"name": "c"}})["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert hostpath.is_ours(made)


@pytest.mark.parametrize("path", ["/etc", "/tmp/hostpath_pv", "/tmp/hostpath_pv/other", "/tmp/hostpath_pv/pvc-u1/.."])
def test_nothing_else_is_ever_removed(path: str) -> None:
    made = hostpath.volume_for(CLAIM, CLASS)
    made["spec"]["hostPath"]["path"] = path
    with pytest.raises(PermissionError):
        hostpath.remove(made)
    by_hand = hostpath.volume_for(CLAIM, CLASS)
    by_hand["metadata"]["annotations"] = {}
    assert not hostpath.is_ours(by_hand)
