"""Requests for aggregated group versions, passed on: the answer as it comes, watches and upgraded connections too."""

from __future__ import annotations

from urllib.parse import quote

import aiohttp
from aiohttp import web

from apiserver.aggregation.plan import Remote, Unroutable
from apiserver.aggregation.transport import Transport, forwarded
from apiserver.http.call import Call
from apiserver.http.reply import TEXT, Reply, text_reply
from apiserver.http.special.proxied import copy_answer
from apiserver.http.special.tunnel import is_upgrade, upgrade
from apiserver.webhooks.reasons import reason_of

_REDIRECTED = b"the backend attempted to redirect this request, which is not permitted"


class ProxyHandler:
    """Passes requests on."""

    def __init__(self, transport: Transport, *, redirects: bool) -> None:
        """`redirects`: whether they are passed on to clients."""
        self._transport = transport
        self._redirects = redirects

    async def handle(self, call: Call, remote: Remote) -> Reply | web.StreamResponse:
        """The other server's answer; 503 where there is none, 502 for one that leads elsewhere."""
        if not remote.available:
            return text_reply(503, "service unavailable\n")
        request = call.request
        _, mark, query = request.raw_path.partition("?")
        upgrading = is_upgrade(request)
        headers = forwarded(
            request.headers.items(), call.attributes.user, request.remote or "", upgrade=upgrading,
            trusted=self._transport.trusted,
        )  # fmt: skip
        headers["Audit-Id"] = call.audit_id
        try:
            url = self._transport.url(remote, quote(call.info.path, safe="/:@!$&'()*+,;=~") + mark + query)
            context = self._transport.context(remote)
        except Unroutable:
            return text_reply(503, "service unavailable\n")
        name = None if remote.insecure else remote.host
        if call.permit is not None and (upgrading or call.info.verb == "watch"):
            call.permit.release()  # how long it lasts is between the client and the other server
        if upgrading:
            return await upgrade(call, url, context, headers=headers, server_hostname=name)
        body = request.content if request.body_exists else None
        try:
            async with self._transport.session.request(
                request.method, url, headers=headers, data=body, ssl=context, server_hostname=name,
                allow_redirects=False,
            ) as answer:  # fmt: skip
                if not self._redirects and 300 <= answer.status < 400 and "Location" in answer.headers:
                    return Reply(502, _REDIRECTED, TEXT)
                return await copy_answer(call, answer)
        except aiohttp.ClientError as error:
            return text_reply(503, f"{reason_of(error)}\n")
