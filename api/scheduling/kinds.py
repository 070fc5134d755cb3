"""The declarations of the scheduling.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind
from api.scheduling import priorityclass

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.PRIORITY_CLASSES,
        strategy=priorityclass.PRIORITY_CLASS,
        columns=priorityclass.COLUMNS,
        cells=priorityclass.cells,
        singular="priorityclass",
        short_names=("pc",),
        storage_path="priorityclasses",
    ),
)
