"""A kubelet's request: approved, signed, and good for asking the API server; through real processes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.resources import CERTIFICATE_SIGNING_REQUESTS
from apimachinery.objects import Object
from controller.certificates.signing import Authority
from tests.integration.controller.plane import ControlPlane
from tests.unit.controller.certificates.requests import CLIENT_USAGES, authority, request


def signing_flags(folder: Path) -> tuple[Authority, tuple[str, ...]]:
    """A new CA in `folder`, and the controller manager's flags for it."""
    ca = authority(datetime.now(UTC))
    certificate_file, key_file = folder / "ca.crt", folder / "ca.key"
    certificate_file.write_bytes(ca.certificate.public_bytes(Encoding.PEM))
    key_file.write_bytes(ca.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return ca, (f"--cluster-signing-cert-file={certificate_file}", f"--cluster-signing-key-file={key_file}")


def signing_request(name: str, usages: list[str], signer: str) -> Object:
    """As a kubelet makes it."""
    pem = base64.b64encode(request().public_bytes(Encoding.PEM)).decode()
    return {
        "apiVersion": CERTIFICATE_SIGNING_REQUESTS.api_version,
        "kind": CERTIFICATE_SIGNING_REQUESTS.kind,
        "metadata": {"name": name},
        "spec": {"request": pem, "signerName": f"kubernetes.io/{signer}", "usages": usages},
    }


async def test_approved_and_signed(tmp_path: Path) -> None:
    ca, flags = signing_flags(tmp_path)
    async with ControlPlane(tmp_path, "--use-service-account-credentials", *flags) as plane:

        async def status(name: str) -> Object:
            csr = await plane.client.get(CERTIFICATE_SIGNING_REQUESTS, "", name)
            found: Object = csr.get("status") or {}
            return found

        async def issued() -> bool:
            return "certificate" in await status("good")

        async def failed() -> bool:
            return any(item["type"] == "Failed" for item in (await status("bad")).get("conditions", ()))

        good = signing_request("good", CLIENT_USAGES, "kube-apiserver-client-kubelet")
        await plane.client.create(CERTIFICATE_SIGNING_REQUESTS, good)
        await plane.until(issued)
        made = x509.load_pem_x509_certificate(base64.b64decode((await status("good"))["certificate"]))
        made.verify_directly_issued_by(ca.certificate)
        assert [item["reason"] for item in (await status("good"))["conditions"]] == ["AutoApproved"]

        bad = await plane.client.create(
            CERTIFICATE_SIGNING_REQUESTS, signing_request("bad", ["server auth"], "kubelet-serving")
        )
        approval = {"type": "Approved", "status": "True", "reason": "Test", "message": "by hand"}
        await plane.client.update(
            CERTIFICATE_SIGNING_REQUESTS, {**bad, "status": {"conditions": [approval]}}, subresource="approval"
        )
        await plane.until(failed)
        last = (await status("bad"))["conditions"][-1]
        assert (last["reason"], last["message"]) == (
            "SignerValidationFailure",
            "DNS or IP subjectAltName is required",
        )
