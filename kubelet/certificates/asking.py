"""Asks for one certificate and waits until it is approved and signed."""

from __future__ import annotations

import asyncio
import logging

from api.resources import CERTIFICATE_SIGNING_REQUESTS
from apimachinery.errors import AlreadyExists, ApiError, NotFound
from apimachinery.objects import Object, name_of
from client.rest import RestClient
from kubelet.plan.certificates import Purpose, RequestRefused, issued, signing_request

logger = logging.getLogger(__name__)
_RETRY_SECONDS = 2.0
_WATCH_SECONDS = 300


class AnotherRequest(Exception):
    """A request of that name exists already, and is not the one that was to be made."""


async def ask(client: RestClient, purpose: Purpose, request: bytes, *, name: str = "") -> bytes:
    """The certificate (PEM) for a PKCS #10 request, waited for as long as it takes: who approves may be a human.
    Raises RequestRefused, AnotherRequest, and ApiError where the request itself cannot be made."""
    csr = await _made(client, signing_request(purpose, request, name=name))
    logger.info("Waiting for certificate", extra={"csr": name_of(csr), "signer": purpose.signer})
    while True:
        certificate = issued(csr)
        if certificate is not None:
            return certificate
        csr = await _changed(client, csr)


async def _made(client: RestClient, wanted: Object) -> Object:
    try:
        return await client.create(CERTIFICATE_SIGNING_REQUESTS, wanted)
    except AlreadyExists as error:
        found = await client.get(CERTIFICATE_SIGNING_REQUESTS, "", name_of(wanted))
        keys = ("request", "signerName", "usages")
        if any(found["spec"].get(key) != wanted["spec"][key] for key in keys):
            raise AnotherRequest(f"{name_of(wanted)} exists already, for another key or purpose") from error
        return found


async def _changed(client: RestClient, csr: Object) -> Object:
    """The request after its next change; itself after a while without one, or read anew where the watch broke."""
    name, version = name_of(csr), csr["metadata"]["resourceVersion"]
    try:
        async for event in client.watch(
            CERTIFICATE_SIGNING_REQUESTS,
            resource_version=version,
            field_selector=f"metadata.name={name}",
            timeout_seconds=_WATCH_SECONDS,
        ):
            if event.type == "DELETED":
                raise RequestRefused(f"certificate signing request {name} was deleted before it was answered")
            if event.type != "BOOKMARK":
                return event.object
    except ApiError as error:
        logger.warning("Cannot watch request", extra={"csr": name, "error": error.message})
        await asyncio.sleep(_RETRY_SECONDS)
    return await _read(client, name, csr)


async def _read(client: RestClient, name: str, known: Object) -> Object:
    try:
        return await client.get(CERTIFICATE_SIGNING_REQUESTS, "", name)
    except NotFound as error:
        raise RequestRefused(f"certificate signing request {name} was deleted before it was answered") from error
    except ApiError:
        return known
