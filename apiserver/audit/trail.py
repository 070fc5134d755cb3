"""One request's way into the audit log: its stages in order, each once, whatever becomes of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Protocol

from aiohttp import web

from apiserver.audit.backend import LEVELS, Backends
from apiserver.audit.event import Record, source_ips
from apiserver.audit.policy import Level, Policy
from apiserver.authn.headers import legible
from apiserver.interfaces import Attributes, UserInfo

_AUTHORIZATION = "authorization.k8s.io/"
_MODIFYING = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class Audited(Protocol):
    """What the auditor needs of a call."""

    request: web.BaseRequest
    attributes: Attributes
    trail: Trail | None

    @property
    def audit_id(self) -> str:
        """The request's id."""
        ...

    @property
    def user_agent(self) -> str:
        """The User-Agent header."""
        ...

    @property
    def body_if_read(self) -> bytes | None:
        """The body as far as it was read."""
        ...

    @property
    def content_type(self) -> str:
        """Of that body."""
        ...


class Auditor:
    """Decides by the policy which requests get a trail."""

    def __init__(self, policy: Policy, backends: Backends) -> None:
        self._policy = policy
        self.backends = backends

    async def begin(self, call: Audited, *, received: bool = True) -> None:
        """Begin a trail for a request whose user is known (`received`: and record that it came), if it is to have one.

        Raises AuditFailed in strict mode."""
        decided = self._policy.decide(call.attributes)
        LEVELS.labels(decided.level.text).inc()
        if decided.level is Level.NONE:
            return
        request = call.request
        record = Record(
            call.audit_id,
            request.raw_path,
            call.attributes,
            source_ips(legible(request.headers), request.remote or ""),
            call.user_agent,
            datetime.now(UTC),
            decided,
        )
        call.trail = Trail(self.backends, record, call)
        if received:
            await call.trail.arrived()


class Trail:
    """The stages of one request that is recorded."""

    def __init__(self, backend: Backends, record: Record, call: Audited) -> None:
        self._backend = backend
        self._record = record
        self._call = call
        self._ended = False
        self._writing: asyncio.Task[Any] | None = None

    def _wanted(self, stage: str) -> bool:
        return stage not in self._record.decided.omit_stages

    async def arrived(self) -> None:
        """The request is here; raises AuditFailed in strict mode."""
        if self._wanted("RequestReceived"):
            await self._backend.write(self._record, "RequestReceived")

    def impersonated(self, user: UserInfo) -> None:
        """The request goes on as somebody else."""
        self._record.impersonated = user

    def authorized(self, *, allowed: bool, reason: str) -> None:
        """What the authorizers said."""
        self._record.annotations[_AUTHORIZATION + "decision"] = "allow" if allowed else "forbid"
        self._record.annotations[_AUTHORIZATION + "reason"] = reason

    def follow(self, task: asyncio.Task[Any]) -> None:
        """A write that goes on when its client leaves ends the trail when it ends itself."""
        self._writing = task

    async def started(self, code: int) -> None:
        """The head of an answer that takes long has been sent."""
        self._record.code = code
        if self._wanted("ResponseStarted"):
            await self._backend.write(self._record, "ResponseStarted")

    def wants_response(self, code: int) -> bool:
        """Whether the answer's body is needed: by the policy, or for what it says of an error."""
        return not self._ended and (code >= 400 or self._record.decided.level is Level.REQUEST_RESPONSE)

    async def completed(self, code: int, body: bytes | None) -> None:
        """All of the answer is known; raises AuditFailed in strict mode."""
        if self._end(code, body) and self._wanted("ResponseComplete"):
            await self._backend.write(self._record, "ResponseComplete")

    def panicked(self) -> None:
        """The server has failed in a way nobody foresaw; what it was is in the server's own log."""
        if self._end(500, None) and self._wanted("Panic"):
            self._backend.put(self._record, "Panic")

    def abandoned(self) -> None:
        """The client has left, or the server stops; a write under way is recorded when it ends."""
        if self._writing is not None and not self._writing.done():
            self._writing.add_done_callback(self._written)
        else:
            self._left(self._record.code)

    def _written(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._left(self._record.code)
            return
        error = task.exception()
        self._left(getattr(error, "http_code", 500) if error else task.result().status)

    def _left(self, code: int) -> None:
        if self._end(code, None) and self._wanted("ResponseComplete"):
            self._backend.put(self._record, "ResponseComplete")

    def _end(self, code: int, body: bytes | None) -> bool:
        """Take over what is known at the end; False where the trail has ended before."""
        if self._ended:
            return False
        self._ended = True
        record, call = self._record, self._call
        record.code = code
        notes = call.attributes.notes
        record.annotations.update(notes.annotations)
        if record.decided.level in (Level.REQUEST, Level.REQUEST_RESPONSE):
            record.annotations.update(notes.detailed)
        record.response_body = body
        if record.attributes.verb in _MODIFYING:
            record.object_name = call.attributes.name
            record.request_body = call.body_if_read
            record.request_is_yaml = "yaml" in call.content_type
        return True
