"""The declarations of the rbac.authorization.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind
from api.rbac import roles

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CLUSTER_ROLE_BINDINGS,
        strategy=roles.CLUSTER_ROLE_BINDING,
        columns=roles.BINDING_COLUMNS,
        cells=roles.binding_cells,
        singular="clusterrolebinding",
        storage_path="clusterrolebindings",
    ),
    Kind(
        resource=r.CLUSTER_ROLES,
        strategy=roles.CLUSTER_ROLE,
        columns=roles.ROLE_COLUMNS,
        cells=roles.role_cells,
        singular="clusterrole",
        storage_path="clusterroles",
    ),
    Kind(
        resource=r.ROLE_BINDINGS,
        strategy=roles.ROLE_BINDING,
        columns=roles.BINDING_COLUMNS,
        cells=roles.binding_cells,
        singular="rolebinding",
        storage_path="rolebindings",
    ),
    Kind(
        resource=r.ROLES,
        strategy=roles.ROLE,
        columns=roles.ROLE_COLUMNS,
        cells=roles.role_cells,
        singular="role",
        storage_path="roles",
    ),
)
