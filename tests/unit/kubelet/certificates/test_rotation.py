"""What a renewal does that no server is needed for."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import cast

from client.rest import RestClient
from kubelet.certificates.rotation import CertificateRotation, Wanted
from kubelet.certificates.store import CertificateStore
from kubelet.plan.certificates import SERVING


async def test_a_damaged_file_is_passed_over(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path, SERVING.name)
    store.current.write_bytes(b"cut off")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    goes_on = asyncio.Event()

    async def put_to_use(file: Path) -> None:
        context.load_cert_chain(file)

    def wanted() -> Wanted | None:
        goes_on.set()
        return None

    rotation = CertificateRotation(cast(RestClient, None), SERVING, store, wanted, put_to_use)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(rotation.run())
        await goes_on.wait()
        running.cancel()
