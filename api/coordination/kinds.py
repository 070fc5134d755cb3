"""The declarations of the coordination.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.coordination import lease
from api.kind import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.LEASES,
        strategy=lease.LEASE,
        columns=lease.COLUMNS,
        cells=lease.cells,
        singular="lease",
        storage_path="leases",
    ),
)
