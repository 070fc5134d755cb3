"""What comes back from a server that a request was passed on to."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

import aiohttp
from aiohttp import web

from apiserver.http.call import Call
from apiserver.http.special.links import rewritten, through_proxy

#: Headers that are between two neighbours only.
HOP_BY_HOP = frozenset(
    {"authorization", "connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_NOTHING: Mapping[str, str] = {}
#: Larger pages are passed on as they are.
_MAX_PAGE_BYTES = 4 << 20
_GZIP = 16 + zlib.MAX_WBITS


async def copy_answer(
    call: Call, answer: aiohttp.ClientResponse, replaced: Mapping[str, str] = _NOTHING, begun: bytes = b""
) -> web.StreamResponse:
    """Another server's answer as it comes, piece by piece; the connection is cut where it breaks off in the middle.
    `replaced` headers are sent instead of its own; `begun` is what was read of it already."""
    response = web.StreamResponse(status=answer.status)
    for name, value in answer.headers.items():
        if name.lower() not in HOP_BY_HOP:
            response.headers.add(name, value)
    response.headers.update(replaced)
    response.headers.update(call.for_browsers)
    await response.prepare(call.request)
    if call.trail is not None:
        await call.trail.started(response.status)
    try:
        if begun:
            await response.write(begun)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except aiohttp.ClientError:
        if call.request.transport is not None:
            call.request.transport.close()
        raise asyncio.CancelledError from None  # the missing end tells the client
    await response.write_eof()
    return response


async def linked_answer(call: Call, answer: aiohttp.ClientResponse, prefix: str) -> web.StreamResponse:
    """The answer, with redirects and the links of HTML pages leading through the proxy at `prefix` again."""
    hosts = frozenset({answer.url.authority, call.request.host})

    def link(url: str) -> str:
        return through_proxy(url, prefix, hosts)

    location = answer.headers.get("Location")
    if location:
        return await copy_answer(call, answer, {"Location": link(location)})
    encoding = answer.headers.get("Content-Encoding", "").lower()
    is_page = answer.headers.get("Content-Type", "").partition(";")[0].strip() == "text/html"
    if not is_page or encoding not in ("", "gzip") or call.request.method == "HEAD":
        return await copy_answer(call, answer)
    data = await _begin(answer)
    page = _unpacked(data) if encoding else data
    if len(data) > _MAX_PAGE_BYTES or page is None:
        return await copy_answer(call, answer, begun=data)
    # Latin-1 keeps every byte as it is; what is looked for is ASCII in all encodings that pages have.
    body = rewritten(page.decode("latin-1"), link).encode("latin-1", "xmlcharrefreplace")
    response = web.Response(status=answer.status, body=body)
    for name, value in answer.headers.items():
        if name.lower() not in HOP_BY_HOP | {"content-length", "content-encoding", "content-type"}:
            response.headers.add(name, value)
    response.headers["Content-Type"] = answer.headers["Content-Type"]
    return response


async def _begin(answer: aiohttp.ClientResponse) -> bytes:
    """The whole body, or a little more than the most that is looked at."""
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > _MAX_PAGE_BYTES:
            break
    return bytes(data)


def _unpacked(data: bytes) -> bytes | None:
    """None for what is no gzip, or too large when unpacked."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        page = unpacker.decompress(data, _MAX_PAGE_BYTES)
    except zlib.error:
        return None
    return page if unpacker.eof else None
