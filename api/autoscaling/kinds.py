"""The declarations of the autoscaling/v2 and v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.HORIZONTAL_POD_AUTOSCALERS,
        singular="horizontalpodautoscaler",
        short_names=("hpa",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="HorizontalPodAutoscaler"),),
        storage_path="horizontalpodautoscalers",
    ),
    Kind(
        resource=r.HORIZONTAL_POD_AUTOSCALERS_V1,
        singular="horizontalpodautoscaler",
        short_names=("hpa",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="HorizontalPodAutoscaler"),),
        storage_path="horizontalpodautoscalers",
    ),
)
