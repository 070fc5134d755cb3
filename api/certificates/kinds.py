"""The declarations of the certificates.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.certificates import csr
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CERTIFICATE_SIGNING_REQUESTS,
        strategy=csr.SIGNING_REQUEST,
        columns=csr.COLUMNS,
        cells=csr.cells,
        selectable_fields=csr.SELECTABLE,
        singular="certificatesigningrequest",
        short_names=("csr",),
        subresources=(
            Subresource(name="approval", kind="CertificateSigningRequest", strategy=csr.SIGNING_REQUEST_APPROVAL),
            Subresource(name="status", kind="CertificateSigningRequest", strategy=csr.SIGNING_REQUEST_STATUS),
        ),
        storage_path="certificatesigningrequests",
    ),
)
