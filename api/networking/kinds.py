"""The declarations of the networking.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(resource=r.INGRESS_CLASSES, singular="ingressclass", storage_path="ingressclasses"),
    Kind(
        resource=r.INGRESSES,
        singular="ingress",
        short_names=("ing",),
        subresources=(Subresource(name="status", kind="Ingress"),),
        storage_path="ingress",
    ),
    Kind(
        resource=r.NETWORK_POLICIES, singular="networkpolicy", short_names=("netpol",), storage_path="networkpolicies"
    ),
)
