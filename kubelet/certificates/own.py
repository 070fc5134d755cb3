"""The certificates that this kubelet renews by itself: --rotate-certificates, --rotate-server-certificates."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from apimachinery.objects import Object
from client.rest import RestClient
from kubelet.certificates.rotation import CertificateRotation, Wanted
from kubelet.certificates.store import CertificateStore
from kubelet.options import KubeletOptions
from kubelet.plan.certificates import CLIENT, SERVING, common_name, serving_names


def client_rotation(options: KubeletOptions, client: RestClient, node_name: str) -> CertificateRotation:
    """Renews the certificate that the kubelet presents to the API server."""
    store = CertificateStore(Path(options.cert_dir), CLIENT.name)
    wanted = Wanted(common_name(node_name))
    return CertificateRotation(client, CLIENT, store, lambda: wanted, client.use_certificate)


def serving_rotation(
    options: KubeletOptions,
    client: RestClient,
    node_name: str,
    node: Callable[[], Object | None],
    context: ssl.SSLContext,
) -> CertificateRotation:
    """Renews the certificate of port 10250, `context`'s; it names the addresses that the Node's status has."""

    def wanted() -> Wanted | None:
        dns, ips = serving_names(((node() or {}).get("status") or {}).get("addresses") or ())
        return Wanted(common_name(node_name), tuple(dns), tuple(ips)) if dns or ips else None

    async def put_to_use(file: Path) -> None:
        await asyncio.to_thread(context.load_cert_chain, file)

    store = CertificateStore(Path(options.cert_dir), SERVING.name)
    return CertificateRotation(client, SERVING, store, wanted, put_to_use)
