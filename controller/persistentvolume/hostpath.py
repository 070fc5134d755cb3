"""Volumes of type hostPath for claims (--enable-hostpath-provisioner), for clusters of one node: folders below
/tmp/hostpath_pv, made for a claim and removed with the volume. What is decided is pure; `make` and `remove` act."""

from __future__ import annotations

import shutil
from pathlib import Path

from apimachinery.objects import Object, annotations_of, name_of, namespace_of, uid_of

PROVISIONER = "kubernetes.io/host-path"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_BASE = Path("/tmp/hostpath_pv")


def volume_for(claim: Object, storage_class: Object) -> Object:
    """The volume for a claim: named after it and reserved for it, so that a second try finds it made."""
    name = f"pvc-{uid_of(claim)}"
    claim_ref = {
        "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace_of(claim), "name": name_of(claim),
        "uid": uid_of(claim), "resourceVersion": claim["metadata"].get("resourceVersion") or "",
    }  # fmt: skip
    spec: Object = {
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
        "accessModes": claim["spec"].get("accessModes") or [],
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
        "storageClassName": name_of(storage_class),
        "hostPath": {"path": str(_BASE / name)},
        "claimRef": claim_ref,
    }
    if storage_class.get("mountOptions"):
        spec["mountOptions"] = storage_class["mountOptions"]
    metadata = {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def is_ours(volume: Object) -> bool:
    """Whether the volume was made here, and its folder is one of those that are removed with their volumes."""
    path = (volume["spec"].get("hostPath") or {}).get("path") or ""
    return annotations_of(volume).get(PROVISIONED_BY) == PROVISIONER and Path(path) == _BASE / name_of(volume)


def make(volume: Object) -> None:
    """The volume's folder. Blocking; raises OSError."""
    Path(volume["spec"]["hostPath"]["path"]).mkdir(mode=0o750, parents=True, exist_ok=True)


def remove(volume: Object) -> None:
    """The volume's folder with all that is in it, where it is ours. Blocking; raises OSError."""
    if not is_ours(volume):
        raise PermissionError(f"volume {name_of(volume)} was not made by {PROVISIONER}")
    path = Path(volume["spec"]["hostPath"]["path"])
    if path.exists():
        shutil.rmtree(path)
