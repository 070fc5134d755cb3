"""The declarations of the rbac.authorization.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind
from api.rbac.strategy import RbacStrategy

_STRATEGY = RbacStrategy()

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CLUSTER_ROLE_BINDINGS,
        singular="clusterrolebinding",
        strategy=_STRATEGY,
        storage_path="clusterrolebindings",
    ),
    Kind(resource=r.CLUSTER_ROLES, singular="clusterrole", strategy=_STRATEGY, storage_path="clusterroles"),
    Kind(resource=r.ROLE_BINDINGS, singular="rolebinding", strategy=_STRATEGY, storage_path="rolebindings"),
    Kind(resource=r.ROLES, singular="role", strategy=_STRATEGY, storage_path="roles"),
)
