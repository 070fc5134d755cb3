"""The declarations of the autoscaling/v2 and v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.autoscaling import hpa, v1
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.HORIZONTAL_POD_AUTOSCALERS,
        strategy=hpa.AUTOSCALER,
        columns=hpa.COLUMNS,
        cells=hpa.cells,
        singular="horizontalpodautoscaler",
        short_names=("hpa",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="HorizontalPodAutoscaler", strategy=hpa.AUTOSCALER_STATUS),),
        storage_path="horizontalpodautoscalers",
    ),
    Kind(
        resource=r.HORIZONTAL_POD_AUTOSCALERS_V1,
        stored_as=r.HORIZONTAL_POD_AUTOSCALERS,
        to_storage=v1.to_v2,
        from_storage=v1.from_v2,
        strategy=v1.AUTOSCALER_V1,
        columns=hpa.COLUMNS,
        cells=v1.cells,
        singular="horizontalpodautoscaler",
        short_names=("hpa",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="HorizontalPodAutoscaler", strategy=v1.AUTOSCALER_V1_STATUS),),
        storage_path="horizontalpodautoscalers",
    ),
)
