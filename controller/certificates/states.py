"""Signers and states of CertificateSigningRequests: decided, approved, waiting for its signature. Pure, and without
cryptography, so that a cluster where nobody asks for certificates does not load it."""

from __future__ import annotations

from apimachinery.objects import Object
from controller.conditions import condition_of

CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"


def is_decided(csr: Object) -> bool:
    """Whether it was approved or denied."""
    return condition_of(csr, "Approved") is not None or condition_of(csr, "Denied") is not None


def awaits_signature(csr: Object, signer: str) -> bool:
    """Whether the request is for this signer, approved, not failed, and has no certificate yet."""
    return (
        csr["spec"].get("signerName") == signer
        and condition_of(csr, "Approved") is not None
        and condition_of(csr, "Denied") is None
        and condition_of(csr, "Failed") is None
        and not (csr.get("status") or {}).get("certificate")
    )
