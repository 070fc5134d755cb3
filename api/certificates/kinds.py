"""The declarations of the certificates.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CERTIFICATE_SIGNING_REQUESTS,
        singular="certificatesigningrequest",
        short_names=("csr",),
        subresources=(
            Subresource(name="approval", kind="CertificateSigningRequest"),
            Subresource(name="status", kind="CertificateSigningRequest"),
        ),
        storage_path="certificatesigningrequests",
    ),
)
