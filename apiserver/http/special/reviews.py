"""POST of questions: access and token reviews, and TokenRequests of service accounts.

The answers are those of `apiserver.authn` and `apiserver.authz`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apimachinery.objects import Object
from apiserver.http import reply
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.http.special.bodies import Bodies
from apiserver.interfaces import Attributes
from apiserver.registry import objectmeta, reading
from apiserver.registry.served import Served

Review = Callable[[Attributes, Object], Awaitable[Object]]
#: (attributes, service account, TokenRequest) -> TokenRequest
Mint = Callable[[Attributes, Object, Object], Awaitable[Object]]


class Reviews:
    """One kind of review."""

    def __init__(self, review: Review, bodies: Bodies, group: str, kind: str) -> None:
        self._review = review
        self._bodies = bodies
        self._group = group
        self._kind = kind

    async def create(self, call: Call) -> Reply:
        """Answer the question."""
        question = await self._bodies.read(call, self._group, "v1", self._kind)
        if call.info.namespace:
            objectmeta.settle_namespace(question, call.info.namespace, namespaced=True)
        answered = await self._review(call.attributes, question)
        return reply.document(answered, call.representation(), 201)


class TokenRequests:
    """POST serviceaccounts/NAME/token."""

    def __init__(self, accounts: Served, mint: Mint, bodies: Bodies) -> None:
        self._accounts = accounts
        self._mint = mint
        self._bodies = bodies

    async def create(self, call: Call) -> Reply:
        """A token for the service account; raises NotFound, Invalid."""
        request = await self._bodies.read(call, "authentication.k8s.io", "v1", "TokenRequest")
        account = await reading.get(self._accounts, call.info.namespace, call.info.name)
        await self._accounts.admission.admit(call.attributes, request, None)
        call.warnings += await self._accounts.admission.validate(call.attributes, request, None)
        minted = await self._mint(call.attributes, account.obj, request)
        return reply.document(minted, call.representation(), 201)
