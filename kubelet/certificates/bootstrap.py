"""TLS bootstrapping: the first client certificate, asked for with the credentials of --bootstrap-kubeconfig.

The result is --kubeconfig, which names the certificate's file; from the second start on nothing of this is needed."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from apimachinery.errors import ApiError
from client import kubeconfig
from client.rest import RestClient
from component.version import PROGRAM_VERSION
from kubelet.certificates.asking import AnotherRequest, ask
from kubelet.certificates.store import CertificateStore, write_private
from kubelet.plan.certificates import CLIENT, RequestRefused, common_name
from kubelet.plan.certificates import kubeconfig as kubeconfig_of

logger = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0


async def bootstrap(bootstrap_file: Path, kubeconfig_file: Path, cert_dir: Path, node_name: str) -> None:
    """Make `kubeconfig_file` with a new certificate, unless it is there and its certificate still valid. Waits for the
    API server and for the approval. Raises ValueError for a bootstrap kubeconfig that cannot be used, OSError where
    nothing can be written."""
    if await asyncio.to_thread(_is_usable, kubeconfig_file):
        return
    config = await asyncio.to_thread(kubeconfig.load, str(bootstrap_file))
    cluster = await asyncio.to_thread(kubeconfig.cluster_of, bootstrap_file)
    store = CertificateStore(cert_dir, CLIENT.name)
    logger.info("Bootstrapping", extra={"kubeconfig": bootstrap_file, "node": node_name})
    async with RestClient(config, user_agent=f"kubelet/{PROGRAM_VERSION}") as client:
        while True:
            try:
                key, certificate = await _ask(client, store, node_name)
                break
            except (ApiError, RequestRefused) as error:
                logger.warning("No certificate yet", extra={"error": str(error)})
            except AnotherRequest:
                await asyncio.to_thread(store.forget_pending)
            await asyncio.sleep(_RETRY_SECONDS)
    await asyncio.to_thread(store.write, certificate, key, datetime.now(UTC))
    document = json.dumps(kubeconfig_of(cluster, str(store.current)), indent=2)
    await asyncio.to_thread(write_private, kubeconfig_file, document.encode() + b"\n")
    await asyncio.to_thread(store.forget_pending)


async def _ask(client: RestClient, store: CertificateStore, node_name: str) -> tuple[bytes, bytes]:
    """(key, certificate)."""
    user = common_name(node_name)
    key, request, name = await asyncio.to_thread(_request, store, user)
    try:
        return key, await ask(client, CLIENT, request, name=name)
    except RequestRefused:
        await asyncio.to_thread(store.forget_pending)  # the next try is another request
        raise


def _request(store: CertificateStore, user: str) -> tuple[bytes, bytes, str]:
    """(key, request, its name); key and request are those of an earlier try where that was not answered."""
    from kubelet.certificates import keys

    pending = store.pending()
    if pending is None:
        key = keys.new_key()
        pending = key, keys.new_request(key, user)  # signatures differ each time, so the request is kept as well
        store.keep_pending(*pending)
    key, request = pending
    return key, request, keys.request_name(key, user)


def _is_usable(kubeconfig_file: Path) -> bool:
    """Whether the file is there, can be read, and its client certificate (if that is its kind) has not expired."""
    if not kubeconfig_file.is_file():
        return False
    try:
        certificate = kubeconfig.certificate_of(kubeconfig_file)
    except ValueError as error:
        logger.warning("Bootstrapping anew", extra={"error": str(error)})
        return False
    if not certificate:
        return True
    from kubelet.certificates import keys

    try:
        return keys.validity(certificate)[1] > datetime.now(UTC)
    except ValueError:
        return False
