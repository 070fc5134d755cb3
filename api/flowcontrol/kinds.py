"""The declarations of the flowcontrol.apiserver.k8s.io kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.FLOW_SCHEMAS,
        singular="flowschema",
        subresources=(Subresource(name="status", kind="FlowSchema"),),
        storage_path="flowschemas",
    ),
    Kind(
        resource=r.PRIORITY_LEVELS,
        singular="prioritylevelconfiguration",
        subresources=(Subresource(name="status", kind="PriorityLevelConfiguration"),),
        storage_path="prioritylevelconfigurations",
    ),
    Kind(
        resource=r.FLOW_SCHEMAS_V1BETA2,
        singular="flowschema",
        subresources=(Subresource(name="status", kind="FlowSchema"),),
        storage_path="flowschemas",
        stored_as=r.FLOW_SCHEMAS,
    ),
    Kind(
        resource=r.PRIORITY_LEVELS_V1BETA2,
        singular="prioritylevelconfiguration",
        subresources=(Subresource(name="status", kind="PriorityLevelConfiguration"),),
        storage_path="prioritylevelconfigurations",
        stored_as=r.PRIORITY_LEVELS,
    ),
)
