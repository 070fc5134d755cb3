"""The declarations of the storage.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(resource=r.CSI_DRIVERS, returns_deleted=True, singular="csidriver", storage_path="csidrivers"),
    Kind(resource=r.CSI_NODES, returns_deleted=True, singular="csinode", storage_path="csinodes"),
    Kind(resource=r.CSI_STORAGE_CAPACITIES, singular="csistoragecapacity", storage_path="csistoragecapacities"),
    Kind(
        resource=r.STORAGE_CLASSES,
        returns_deleted=True,
        singular="storageclass",
        short_names=("sc",),
        storage_path="storageclasses",
    ),
    Kind(
        resource=r.VOLUME_ATTACHMENTS,
        returns_deleted=True,
        singular="volumeattachment",
        subresources=(Subresource(name="status", kind="VolumeAttachment"),),
        storage_path="volumeattachments",
    ),
)
