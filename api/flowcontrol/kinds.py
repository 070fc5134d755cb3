"""The declarations of the flowcontrol.apiserver.k8s.io kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.flowcontrol import priority
from api.kind import Kind, Subresource

_DEPRECATED = (
    "flowcontrol.apiserver.k8s.io/v1beta2 {0} is deprecated in v1.26+, unavailable in v1.29+; "
    "use flowcontrol.apiserver.k8s.io/v1beta3 {0}"
)

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.FLOW_SCHEMAS,
        strategy=priority.FLOW_SCHEMA,
        columns=priority.SCHEMA_COLUMNS,
        cells=priority.schema_cells,
        singular="flowschema",
        subresources=(Subresource(name="status", kind="FlowSchema", strategy=priority.FLOW_SCHEMA_STATUS),),
        storage_path="flowschemas",
    ),
    Kind(
        resource=r.PRIORITY_LEVELS,
        strategy=priority.LEVEL,
        columns=priority.LEVEL_COLUMNS,
        cells=priority.level_cells,
        singular="prioritylevelconfiguration",
        subresources=(Subresource(name="status", kind="PriorityLevelConfiguration", strategy=priority.LEVEL_STATUS),),
        storage_path="prioritylevelconfigurations",
    ),
    Kind(
        resource=r.FLOW_SCHEMAS_V1BETA2,
        to_storage=priority.to_v1beta3,
        from_storage=priority.to_v1beta2,
        strategy=priority.FLOW_SCHEMA,
        columns=priority.SCHEMA_COLUMNS,
        cells=priority.schema_cells,
        singular="flowschema",
        subresources=(Subresource(name="status", kind="FlowSchema", strategy=priority.FLOW_SCHEMA_STATUS),),
        storage_path="flowschemas",
        stored_as=r.FLOW_SCHEMAS,
        deprecation=_DEPRECATED.format("FlowSchema"),
    ),
    Kind(
        resource=r.PRIORITY_LEVELS_V1BETA2,
        to_storage=priority.to_v1beta3,
        from_storage=priority.to_v1beta2,
        strategy=priority.LEVEL_V1BETA2,
        columns=priority.LEVEL_COLUMNS,
        cells=priority.level_cells,
        singular="prioritylevelconfiguration",
        subresources=(
            Subresource(name="status", kind="PriorityLevelConfiguration", strategy=priority.LEVEL_V1BETA2_STATUS),
        ),
        storage_path="prioritylevelconfigurations",
        stored_as=r.PRIORITY_LEVELS,
        deprecation=_DEPRECATED.format("PriorityLevelConfiguration"),
    ),
)
