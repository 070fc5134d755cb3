"""The declarations of the admissionregistration.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.MUTATING_WEBHOOKS,
        singular="mutatingwebhookconfiguration",
        categories=("api-extensions",),
        storage_path="mutatingwebhookconfigurations",
    ),
    Kind(
        resource=r.VALIDATING_WEBHOOKS,
        singular="validatingwebhookconfiguration",
        categories=("api-extensions",),
        storage_path="validatingwebhookconfigurations",
    ),
)
