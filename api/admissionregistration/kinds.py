"""The declarations of the admissionregistration.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from api import resources as r
from api.admissionregistration import policies, webhooks
from api.kind import Kind, Subresource
from apimachinery.meta import Resource
from apimachinery.objects import Object

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.MUTATING_WEBHOOKS,
        strategy=webhooks.MUTATING,
        columns=webhooks.COLUMNS,
        cells=webhooks.cells,
        singular="mutatingwebhookconfiguration",
        categories=("api-extensions",),
        storage_path="mutatingwebhookconfigurations",
    ),
    Kind(
        resource=r.VALIDATING_WEBHOOKS,
        strategy=webhooks.VALIDATING,
        columns=webhooks.COLUMNS,
        cells=webhooks.cells,
        singular="validatingwebhookconfiguration",
        categories=("api-extensions",),
        storage_path="validatingwebhookconfigurations",
    ),
)


def _renamed(resource: Resource) -> Callable[[Object], Object]:
    return lambda obj: {**obj, "apiVersion": resource.api_version}


_POLICY = Kind(
    resource=r.ADMISSION_POLICIES,
    strategy=policies.POLICY,
    columns=policies.POLICY_COLUMNS,
    cells=policies.policy_cells,
    singular="validatingadmissionpolicy",
    categories=("api-extensions",),
    subresources=(Subresource(name="status", kind="ValidatingAdmissionPolicy", strategy=policies.POLICY_STATUS),),
    storage_path="validatingadmissionpolicies",
)
_BINDING = Kind(
    resource=r.ADMISSION_POLICY_BINDINGS,
    strategy=policies.BINDING,
    columns=policies.BINDING_COLUMNS,
    cells=policies.binding_cells,
    singular="validatingadmissionpolicybinding",
    categories=("api-extensions",),
    storage_path="validatingadmissionpolicybindings",
)


def _alpha(kind: Kind, resource: Resource) -> Kind:
    """The same in v1alpha1."""
    return replace(
        kind,
        resource=resource,
        stored_as=kind.resource,
        to_storage=_renamed(kind.resource),
        from_storage=_renamed(resource),
    )


#: Served where --runtime-config asks for their versions.
POLICY_KINDS: tuple[Kind, ...] = (
    _POLICY,
    _BINDING,
    _alpha(_POLICY, r.ADMISSION_POLICIES_V1ALPHA1),
    _alpha(_BINDING, r.ADMISSION_POLICY_BINDINGS_V1ALPHA1),
)
