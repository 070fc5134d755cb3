"""The declarations of the apiextensions.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.apiextensions import crd
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CUSTOM_RESOURCE_DEFINITIONS,
        strategy=crd.CUSTOM_RESOURCE_DEFINITION,
        singular="customresourcedefinition",
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        subresources=(
            Subresource(name="status", kind="CustomResourceDefinition", strategy=crd.CUSTOM_RESOURCE_DEFINITION_STATUS),
        ),
        storage_path="apiextensions.k8s.io/customresourcedefinitions",
    ),
)
