"""The declarations of the node.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind
from api.node import runtimeclass

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.RUNTIME_CLASSES,
        strategy=runtimeclass.RUNTIME_CLASS,
        columns=runtimeclass.COLUMNS,
        cells=runtimeclass.cells,
        singular="runtimeclass",
        storage_path="runtimeclasses",
    ),
)
