"""The request chain: routing, limits, authentication, authorization, dispatch, answer. One handler for every path."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web
from multidict import CIMultiDict

from apimachinery import errors
from apimachinery.errors import ApiError
from apiserver.aggregation.aggregator import Aggregator
from apiserver.audit.backend import AuditFailed
from apiserver.audit.trail import Auditor, Trail
from apiserver.authn import Authentication, impersonation
from apiserver.authn.headers import legible
from apiserver.authz import forbidden_error
from apiserver.http import metrics, reply, request_info
from apiserver.http.call import Call, representation_or_plain
from apiserver.http.complete import CompleteResponse
from apiserver.http.crossorigin import BrowserRules
from apiserver.http.limits import READS
from apiserver.http.nonresource import NonResourcePaths, page_not_found
from apiserver.http.reply import Pieces, Reply
from apiserver.http.request_info import RequestInfo
from apiserver.http.resources import OBJECT_SUBRESOURCES, ResourceHandlers
from apiserver.interfaces import Attributes, Authorizer, Credentials, Decision, Limiter, TooBusy, UserInfo
from apiserver.registry.registry import Registry
from apiserver.storage.interface import StorageError
from component.deadline import Deadline

logger = logging.getLogger(__name__)

Answer = Reply | web.StreamResponse
Special = Callable[[Call], Awaitable[Answer]]
#: (group, resource, subresource) -> verb -> handler
SpecialTable = Mapping[tuple[str, str, str], Mapping[str, Special]]

#: Where the table has the scale of kinds that it does not name: custom resources.
ANY_SCALE = ("*", "*", "scale")
_LONG_SUBRESOURCES = frozenset({"exec", "attach", "portforward", "proxy", "log"})
_VALIDATED = frozenset({"create", "update", "patch"})
_REFUSALS = {Decision.DENY: "denied", Decision.NO_OPINION: "no-opinion"}
_GZIP_MINIMUM = 128 << 10
_UNSECURED = UserInfo("system:unsecured", groups=("system:masters", "system:authenticated"))
_ANONYMOUS = UserInfo("system:anonymous", groups=("system:unauthenticated",))
#: Of a request until it is known whose it is.
_UNKNOWN = Attributes(user=_ANONYMOUS, verb="", path="")


class ApiServer:
    """Handles every request of the server; `handle` is what aiohttp calls."""

    def __init__(
        self,
        registry: Registry,
        resources: ResourceHandlers,
        paths: NonResourcePaths,
        special: SpecialTable,
        *,
        authenticator: Authentication,
        authorizer: Authorizer,
        limits: Limiter,
        request_timeout_seconds: float = 60.0,
        anonymous: bool = True,
        auditor: Auditor | None = None,
        aggregator: Aggregator,
        browsers: BrowserRules,
    ) -> None:
        self._registry = registry
        self._resources = resources
        self._paths = paths
        self._special = special
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._limits = limits
        self._deadline = Deadline(request_timeout_seconds)
        self._anonymous = anonymous
        self._auditor = auditor
        self._aggregator = aggregator
        self._browsers = browsers
        self._writes: set[asyncio.Task[Answer]] = set()

    async def handle_insecure(self, request: web.BaseRequest) -> web.StreamResponse:
        """A request of the insecure port: nobody is asked who they are, and everything is allowed."""
        return await self.handle(request, insecure=True)

    async def handle(self, request: web.BaseRequest, *, insecure: bool = False) -> web.StreamResponse:
        """One request, from its head to its answer; never raises but for cancellation."""
        started = time.perf_counter()
        info, query = request_info.of_target(request.method, request.raw_path)
        call = Call(request, info, query, _UNKNOWN, _is_long(info))
        call.for_browsers = self._browsers.headers(request.headers.get("Origin"), secure=not insecure)
        answer = await self._answer(call, insecure=insecure)
        if call.trail is not None:
            answer = await self._audited(call, call.trail, answer)
        self._count(call, answer, time.perf_counter() - started)
        if isinstance(answer, Reply):
            return await _response(answer, call)
        return answer

    async def _answer(self, call: Call, *, insecure: bool) -> Answer:
        """The answer, whatever goes wrong."""
        request = call.request
        answer: Answer
        try:
            answer = await self._limited(call, insecure=insecure)
        except ApiError as error:
            answer = reply.error_reply(error, representation_or_plain(request))
        except StorageError as error:
            answer = reply.error_reply(_storage_trouble(error), representation_or_plain(request))
        except AuditFailed as error:
            answer = reply.error_reply(errors.InternalError(str(error)), representation_or_plain(request))
        except TooBusy as error:
            answer = reply.text_reply(429, f"{error}\n", error.headers)
        except (ConnectionError, web.RequestPayloadError):
            answer = Reply(499, b"")  # the client has left; nobody reads this
        except Exception as error:
            logger.exception("Request failed", extra={"method": request.method, "path": call.info.path})
            trouble = errors.InternalError(f"Internal error occurred: {type(error).__name__}")
            answer = reply.error_reply(trouble, representation_or_plain(request))
            if call.trail is not None:
                call.trail.panicked()
        except asyncio.CancelledError:
            if call.trail is not None:
                call.trail.abandoned()
            raise
        return answer

    def _count(self, call: Call, answer: Answer, seconds: float) -> None:
        if call.info.verb in _VALIDATED:
            validation = call.query["fieldValidation"][0] if "fieldValidation" in call.query else ""
            if validation in metrics.VALIDATION:
                metrics.VALIDATION[validation].observe(seconds)
        metrics.observe(
            self._labels(call),
            dry_run=call.attributes.dry_run,
            code=answer.status,
            seconds=seconds,
            waited=call.permit.waited if call.permit is not None else 0.0,
            size=answer.size if isinstance(answer, Reply) else 0,
        )

    def _labels(self, call: Call) -> metrics.Labels:
        """Verb, group, version, resource, subresource and scope for metrics.

        Of what is not served here it is the method alone: anybody could make series without end."""
        info, request = call.info, call.request
        kind = self._registry.kind(info.group, info.version, info.resource) if info.is_resource else None
        if kind is None or (info.subresource and kind.subresource(info.subresource) is None):
            return request.method, "", "", "", "", ""
        media_type = request.headers.get("Content-Type", "") if info.verb == "patch" else ""
        verb = metrics.verb_of(info.verb, info.subresource, media_type)
        scope = metrics.scope_of(info.namespace, info.name)
        return verb, info.group, info.version, info.resource, info.subresource, scope

    async def _audited(self, call: Call, trail: Trail, answer: Answer) -> Answer:
        """The answer once it is in the audit log; an error where that is strict and fails."""
        body = None
        if isinstance(answer, Reply) and trail.wants_response(answer.status):
            if isinstance(answer.body, Pieces):
                answer.body = answer.body.whole()
            body = answer.body
        try:
            await trail.completed(answer.status, body)
        except AuditFailed as error:
            return reply.error_reply(errors.InternalError(str(error)), representation_or_plain(call.request))
        return answer

    async def _limited(self, call: Call, *, insecure: bool) -> Answer:
        if call.request.method == "OPTIONS" and "Access-Control-Allow-Origin" in call.for_browsers:
            return Reply(204, b"")  # a browser asks before it calls
        if call.is_long or self._aggregator.streams(call):
            return await self._admitted(call, insecure=insecure)
        try:
            with self._deadline.within():
                return await self._admitted(call, insecure=insecure)
        except TimeoutError as error:
            metrics.terminated(self._labels(call), 504)
            raise errors.Timeout("Timeout: request did not complete within the allotted timeout", details={}) from error

    async def _admitted(self, call: Call, *, insecure: bool) -> Answer:
        """Know the caller, wait for the request's turn, ask whether it is allowed, and go on."""
        if insecure:
            call.attributes = _attributes(_UNSECURED, call)
            if self._auditor is not None:
                await self._auditor.begin(call)
        else:
            await self._identify(call)
        if call.info.verb == "watch" or not call.is_long:
            started = time.perf_counter()
            call.permit = await self._limits.admit(call.attributes, call.query)
            metrics.TAKING_TURNS.observe(time.perf_counter() - started)
        writing = None
        try:
            if not insecure:
                await self._authorize(call)
            if call.info.verb in READS or call.is_long:
                return await self._dispatch(call)
            writing = self._begin_write(call)
        finally:
            if writing is None and call.permit is not None:
                call.permit.release()
        return await asyncio.shield(writing)

    def _begin_write(self, call: Call) -> asyncio.Task[Answer]:
        """A client that leaves must not cut a write in two: it goes on, with its permit; only its answer is lost."""
        task = asyncio.create_task(self._dispatch(call), name="write")
        self._writes.add(task)
        task.add_done_callback(self._write_ended)
        if call.permit is not None:
            permit = call.permit
            task.add_done_callback(lambda _: permit.release())
        if call.trail is not None:
            call.trail.follow(task)
        return task

    def _write_ended(self, task: asyncio.Task[Answer]) -> None:
        self._writes.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (ApiError, StorageError, ConnectionError)):
            logger.debug("A write failed", extra={"error": repr(error)})  # told in full where it is answered

    async def _identify(self, call: Call) -> None:
        request = call.request
        headers = legible(request.headers)
        started = time.perf_counter()
        try:
            user = await self._authenticator.authenticate(_credentials(request, headers))
        except ApiError:
            metrics.AUTHENTICATION["error"].observe(time.perf_counter() - started)
            await self._unknown(call)
            raise
        seconds = time.perf_counter() - started
        metrics.AUTHENTICATION["failure" if user is None else "success"].observe(seconds)
        metrics.AUTHENTICATING.observe(seconds)
        if user is None:
            if not self._anonymous:
                await self._unknown(call)
                raise errors.Unauthorized("Unauthorized")
            user = _ANONYMOUS
        metrics.authenticated(user.name)
        if self._auditor is not None:
            call.attributes = _attributes(user, call)
            await self._auditor.begin(call)
        if impersonation.is_asked(headers):
            started = time.perf_counter()
            user = await self._authenticator.impersonate(user, headers, self._authorizer)
            metrics.IMPERSONATING.observe(time.perf_counter() - started)
            if call.trail is not None:
                call.trail.impersonated(user)
        call.attributes = _attributes(user, call)

    async def _authorize(self, call: Call) -> None:
        started = time.perf_counter()
        decision, reason = await self._authorizer.authorize(call.attributes)
        seconds = time.perf_counter() - started
        allowed = decision is Decision.ALLOW
        metrics.AUTHORIZATION["allowed" if allowed else _REFUSALS[decision]].observe(seconds)
        metrics.AUTHORIZING.observe(seconds)
        if call.trail is not None:
            call.trail.authorized(allowed=allowed, reason=reason)
        if not allowed:
            raise forbidden_error(call.attributes, reason)

    async def _unknown(self, call: Call) -> None:
        """Record a request whose sender could not be told."""
        if self._auditor is not None:
            call.attributes = _attributes(UserInfo(""), call)
            await self._auditor.begin(call, received=False)

    async def _dispatch(self, call: Call) -> Answer:
        info = call.info
        remote = self._aggregator.find(info)
        if remote is not None:
            return await self._aggregator.handle(call, remote)
        if not info.is_resource:
            handler = self._paths.find(info.path)
            return await handler(call) if handler else page_not_found()
        if info.verb not in READS and not call.is_long:
            await call.translate(self._registry.schemas)
        if info.verb == "watch" and call.request.method != "GET":
            raise reply.method_not_allowed()
        special = self._special.get((info.group, info.resource, info.subresource))
        if special is None and info.subresource == "scale":
            special = self._special.get(ANY_SCALE)
        if special is not None and (chosen := special.get(info.verb)) is not None:
            return await chosen(call)
        kind = self._registry.kind(info.group, info.version, info.resource)
        if kind is None and self._registry.catch_up is not None:
            await self._registry.catch_up()
            kind = self._registry.kind(info.group, info.version, info.resource)
        if kind is None:
            if not self._registry.serves(info.group, info.version):
                return page_not_found()
            raise reply.unknown_resource()
        verbs = kind.verbs
        if info.subresource:
            sub = kind.subresource(info.subresource)
            if sub is None:
                raise reply.unknown_resource()
            verbs = sub.verbs
        if info.verb == "create" and not info.name and kind.custom and kind.custom.terminating:
            raise reply.terminating(kind.resource)
        served = self._registry.served(info.group, info.version, info.resource)
        if info.verb not in verbs or served is None or info.subresource not in OBJECT_SUBRESOURCES:
            raise reply.method_not_allowed()
        if not info.name and info.verb in ("update", "patch") and not kind.custom:
            raise reply.method_not_allowed()
        if kind.resource.namespaced and not info.namespace and info.verb not in ("list", "watch"):
            raise reply.unknown_resource() if info.name else reply.method_not_allowed()
        if kind.deprecation is not None:
            call.warnings.append(kind.deprecation.warning)
            metrics.deprecated(
                info.group, info.version, info.resource, info.subresource, kind.deprecation.removed_release
            )
        return await self._resources.handle(call, served)

    async def drain(self) -> None:
        """Wait for writes whose clients have left."""
        if self._writes:
            await asyncio.wait(tuple(self._writes), timeout=self._deadline.seconds)


def _is_long(info: RequestInfo) -> bool:
    return info.verb == "watch" or (info.subresource != "" and info.subresource in _LONG_SUBRESOURCES)


def _attributes(user: UserInfo, call: Call) -> Attributes:
    info = call.info
    remote = call.request.remote
    return Attributes(
        user=user,
        verb=info.verb,
        path=info.path,
        is_resource=info.is_resource,
        group=info.group,
        version=info.version,
        resource=info.resource,
        subresource=info.subresource,
        namespace=info.namespace,
        name=info.name,
        user_agent=call.user_agent,
        source_ips=(remote,) if remote else (),
    )


def _credentials(request: web.BaseRequest, headers: Mapping[str, str]) -> Credentials:
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return Credentials(headers, certificate, request.remote or "")


def _storage_trouble(error: StorageError) -> ApiError:
    logger.warning("Storage trouble", extra={"error": str(error)})
    return errors.InternalError(f"Internal error occurred: {error}")


async def _response(answer: Reply, call: Call) -> web.StreamResponse:
    headers = {"Content-Type": answer.content_type, **call.headers(), **answer.headers}
    body = answer.body
    if answer.size >= _GZIP_MINIMUM and "gzip" in call.request.headers.get("Accept-Encoding", ""):
        whole = body.whole() if isinstance(body, Pieces) else body
        body = await asyncio.to_thread(gzip.compress, whole, 1)
        headers["Content-Encoding"], headers["Vary"] = "gzip", "Accept-Encoding"
    fields = [*headers.items()]
    if call.warnings or call.attributes.notes.warnings:
        warnings = reply.warning_headers((*call.warnings, *call.attributes.notes.warnings))
        fields += [("Warning", warning) for warning in warnings]
    if isinstance(body, Pieces):
        return await _send_pieces(body, answer.status, fields, call)
    return CompleteResponse(answer.status, fields, body)


async def _send_pieces(body: Pieces, status: int, fields: Sequence[tuple[str, str]], call: Call) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=CIMultiDict(fields))
    response.content_length = body.size
    try:
        await response.prepare(call.request)
        for piece in body.pieces:
            await response.write(piece)
        await response.write_eof()
    except ConnectionError:
        pass  # the client has left; there is nobody to tell
    return response
