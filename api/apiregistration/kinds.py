"""The declarations of the apiregistration.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.API_SERVICES,
        singular="apiservice",
        categories=("api-extensions",),
        subresources=(Subresource(name="status", kind="APIService"),),
        storage_path="apiregistration.k8s.io/apiservices",
    ),
)
