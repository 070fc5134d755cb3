"""A kubelet joins with bootstrap credentials and renews its certificates; API server and signer are real."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from api.resources import CERTIFICATE_SIGNING_REQUESTS
from apimachinery.objects import Object
from client import kubeconfig
from client.rest import RestClient
from kubelet.certificates.bootstrap import bootstrap
from kubelet.certificates.keys import names
from kubelet.certificates.own import client_rotation, serving_rotation
from kubelet.options import KubeletOptions
from kubelet.server.app import tls_context
from tests.integration.controller.plane import ControlPlane
from tests.integration.controller.test_certificates import signing_flags

NODE: Object = {
    "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}, {"type": "Hostname", "address": "n7"}]}
}


async def who_am_i(client: RestClient) -> str:
    """The user that the API server takes the client for."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    _, body = await client.raw(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=json.dumps(review).encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    user: str = json.loads(body)["status"]["userInfo"]["username"]
    return user


async def approve(plane: ControlPlane, signer: str) -> bool:
    """Approve what waits for this signer, as an administrator does for serving certificates; whether there was one."""
    for csr in (await plane.client.list(CERTIFICATE_SIGNING_REQUESTS))["items"]:
        if csr["spec"]["signerName"] == signer and not (csr.get("status") or {}).get("conditions"):
            approval = {"type": "Approved", "status": "True", "reason": "Test", "message": "by hand"}
            await plane.client.update(
                CERTIFICATE_SIGNING_REQUESTS, {**csr, "status": {"conditions": [approval]}}, subresource="approval"
            )
            return True
    return False


async def test_bootstrap_then_renew(tmp_path: Path) -> None:
    _, flags = signing_flags(tmp_path)
    joining, joined, pki = tmp_path / "kubeconfig", tmp_path / "node" / "kubelet.conf", tmp_path / "pki"
    api_flags = (f"--client-ca-file={tmp_path / 'ca.crt'}",)
    async with ControlPlane(tmp_path, *flags, api_flags=api_flags) as plane:
        async with asyncio.timeout(30):
            await bootstrap(joining, joined, pki, "n7")
        written = joined.read_bytes()
        await bootstrap(joining, joined, pki, "n7")  # the next start has nothing to ask for
        assert joined.read_bytes() == written
        assert len((await plane.client.list(CERTIFICATE_SIGNING_REQUESTS))["items"]) == 1
        assert [path.name for path in pki.iterdir() if path.suffix == ".tmp"] == []

        options = KubeletOptions(cert_dir=str(tmp_path / "renewed"), kubeconfig=str(joined))
        async with RestClient(kubeconfig.load(str(joined)), user_agent="tests") as client:
            assert await who_am_i(client) == "system:node:n7"
            context = await tls_context("", "", "", issued_later=True)
            renewals = [
                asyncio.create_task(client_rotation(options, client, "n7").run()),
                asyncio.create_task(serving_rotation(options, client, "n7", lambda: NODE, context).run()),
            ]
            try:
                await plane.until(lambda: approve(plane, "kubernetes.io/kube-apiserver-client-kubelet"))
                await plane.until(lambda: approve(plane, "kubernetes.io/kubelet-serving"))
                current = {name: tmp_path / "renewed" / f"kubelet-{name}-current.pem" for name in ("client", "server")}

                async def both_there() -> bool:
                    return all(path.exists() for path in current.values())

                await plane.until(both_there)
                assert names(current["server"].read_bytes()) == (["n7"], ["10.0.0.7"])
                assert current["client"].stat().st_mode & 0o777 == 0o600
                assert await who_am_i(client) == "system:node:n7"
                assert not any(renewal.done() for renewal in renewals)
            finally:
                for renewal in renewals:
                    renewal.cancel()
                await asyncio.wait(renewals)
