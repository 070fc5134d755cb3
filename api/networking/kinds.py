"""The declarations of the networking.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource
from api.networking import ingress, networkpolicy

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.INGRESS_CLASSES,
        strategy=ingress.INGRESS_CLASS,
        columns=ingress.CLASS_COLUMNS,
        cells=ingress.class_cells,
        singular="ingressclass",
        storage_path="ingressclasses",
    ),
    Kind(
        resource=r.INGRESSES,
        strategy=ingress.INGRESS,
        columns=ingress.INGRESS_COLUMNS,
        cells=ingress.ingress_cells,
        singular="ingress",
        short_names=("ing",),
        subresources=(Subresource(name="status", kind="Ingress", strategy=ingress.INGRESS_STATUS),),
        storage_path="ingress",
    ),
    Kind(
        resource=r.NETWORK_POLICIES,
        strategy=networkpolicy.NETWORK_POLICY,
        columns=networkpolicy.COLUMNS,
        cells=networkpolicy.cells,
        singular="networkpolicy",
        short_names=("netpol",),
        storage_path="networkpolicies",
    ),
)
