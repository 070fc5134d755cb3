"""The declarations of the admissionregistration.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.admissionregistration import webhooks
from api.kind import Kind

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
