"""The declarations of the storage.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource
from api.storage import classes, csi

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CSI_DRIVERS,
        strategy=csi.CSI_DRIVER,
        columns=csi.DRIVER_COLUMNS,
        cells=csi.driver_cells,
        returns_deleted=True,
        singular="csidriver",
        storage_path="csidrivers",
    ),
    Kind(
        resource=r.CSI_NODES,
        strategy=csi.CSI_NODE,
        columns=csi.NODE_COLUMNS,
        cells=csi.node_cells,
        returns_deleted=True,
        singular="csinode",
        storage_path="csinodes",
    ),
    Kind(
        resource=r.CSI_STORAGE_CAPACITIES,
        strategy=csi.CSI_STORAGE_CAPACITY,
        columns=csi.CAPACITY_COLUMNS,
        cells=csi.capacity_cells,
        singular="csistoragecapacity",
        storage_path="csistoragecapacities",
    ),
    Kind(
        resource=r.STORAGE_CLASSES,
        strategy=classes.STORAGE_CLASS,
        columns=classes.COLUMNS,
        cells=classes.cells,
        returns_deleted=True,
        singular="storageclass",
        short_names=("sc",),
        storage_path="storageclasses",
    ),
    Kind(
        resource=r.VOLUME_ATTACHMENTS,
        strategy=csi.VOLUME_ATTACHMENT,
        columns=csi.ATTACHMENT_COLUMNS,
        cells=csi.attachment_cells,
        returns_deleted=True,
        singular="volumeattachment",
        subresources=(Subresource(name="status", kind="VolumeAttachment", strategy=csi.VOLUME_ATTACHMENT_STATUS),),
        storage_path="volumeattachments",
    ),
)
