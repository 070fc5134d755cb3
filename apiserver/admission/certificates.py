"""CertificateApproval, CertificateSigning and CertificateSubjectRestriction: who may say yes to which requests."""

from __future__ import annotations

import base64
import binascii

from apimachinery.objects import Object
from apiserver.admission.base import Plugin, Setting, only, refuse
from apiserver.authz import question
from apiserver.interfaces import Attributes, Authorizer, Decision

_GROUP = "certificates.k8s.io"
_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
_MASTERS = "system:masters"


class _SignerPlugin(Plugin):
    """Asks whether the user may do something to requests for a signer."""

    verbs = frozenset({"update"})

    def __init__(self, setting: Setting) -> None:
        self._authorizer: Authorizer = setting.authorizer

    async def _require(self, attributes: Attributes, verb: str, old: Object) -> None:
        signer = (old.get("spec") or {}).get("signerName") or ""
        for name in (signer, f"{signer.partition('/')[0]}/*"):
            asked = question(attributes.user, verb, group=_GROUP, resource="signers", name=name)
            if (await self._authorizer.authorize(asked))[0] is Decision.ALLOW:
                return
        raise refuse(attributes, f'user not permitted to {verb} requests with signerName "{signer}"', old)


class CertificateApproval(_SignerPlugin):
    """Approving needs the verb "approve" on the signer."""

    name = "CertificateApproval"
    resources = only(_GROUP, "certificatesigningrequests", "approval")

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        if old is not None:
            await self._require(attributes, "approve", old)
        return []


class CertificateSigning(_SignerPlugin):
    """Writing a certificate, or that there will be none, needs the verb "sign" on the signer."""

    name = "CertificateSigning"
    resources = only(_GROUP, "certificatesigningrequests", "status")

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        if obj is None or old is None:
            return []
        new_status, old_status = obj.get("status") or {}, old.get("status") or {}
        fields = ("certificate", "conditions")
        if any((new_status.get(field) or None) != (old_status.get(field) or None) for field in fields):
            await self._require(attributes, "sign", old)
        return []


class CertificateSubjectRestriction(Plugin):
    """No client certificate can be requested for system:masters."""

    name = "CertificateSubjectRestriction"
    verbs = frozenset({"create"})
    resources = only(_GROUP, "certificatesigningrequests")

    def __init__(self, setting: Setting) -> None:
        pass

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        spec = (obj or {}).get("spec") or {}
        if spec.get("signerName") == _CLIENT_SIGNER and _MASTERS in _organisations(spec.get("request") or ""):
            why = f"use of {_CLIENT_SIGNER} signer with {_MASTERS} group is not allowed"
            raise refuse(attributes, why, obj)
        return []


def _organisations(request: str) -> list[str]:
    """The organisations of a base64 PEM certificate request; none where it cannot be read (validation says so)."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        decoded = x509.load_pem_x509_csr(base64.b64decode(request))
    except (binascii.Error, ValueError):
        return []
    return [str(item.value) for item in decoded.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
