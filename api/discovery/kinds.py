"""The declarations of the discovery.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.discovery import endpointslice
from api.kind import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.ENDPOINT_SLICES,
        strategy=endpointslice.ENDPOINT_SLICE,
        columns=endpointslice.COLUMNS,
        cells=endpointslice.cells,
        singular="endpointslice",
        storage_path="endpointslices",
    ),
)
