"""Objects of one version through a definition's webhook: asked once per object and state, however many want it.

What was converted lately is remembered by uid and resourceVersion, and what is being converted is waited for, so that
many watchers of one version cost the webhook one call per change. Nothing here blocks other definitions' requests."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

import orjson
from prometheus_client import Histogram

from apimachinery.meta import Resource
from apimachinery.objects import Object, deep_copy, uid_of
from apimachinery.uids import new_uid
from apiserver.crd.conversion import review
from apiserver.crd.conversion.review import ConversionError
from apiserver.webhooks.caller import Caller, CallFailed

_TIMEOUT_SECONDS: Final = 30.0
_REMEMBERED: Final = 2_000
#: How much longer an answer may be than what was sent.
_GROWTH: Final = 4
_SPARE_BYTES: Final = 3 << 20

_SECONDS = Histogram(
    "apiserver_crd_conversion_webhook_duration_seconds",
    "How long a call of a conversion webhook took.",
    ["failure_type", "result"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60),
)

#: uid and resourceVersion
_State = tuple[str, str]


class WebhookConversion:
    """Between one served version and the stored one (`apiserver.registry.served.Conversion`)."""

    def __init__(
        self,
        webhook: Mapping[str, Any],
        resource: Resource,
        storage: Resource,
        settle: Callable[[Object], None],
        caller: Caller,
    ) -> None:
        self._config = dict(webhook.get("clientConfig") or {})
        self._review_versions = tuple(webhook.get("conversionReviewVersions") or ())
        self._version = resource.api_version
        self._storage_version = storage.api_version
        self._settle = settle
        self._caller = caller
        self._known: OrderedDict[_State, Object] = OrderedDict()
        self._running: dict[_State, asyncio.Task[list[Object]]] = {}

    async def shown(self, objects: Sequence[Object], *, remember: bool = True) -> list[Object]:
        """Stored objects in the served version, in one call for all that nobody asked for yet; raises ConversionError.

        The results are shared: never to be changed. What was not written is not to be remembered: its resourceVersion
        is that of another state."""
        if not remember:
            return await self._convert(objects, remember=False)
        wanted = [obj for obj in objects if _state(obj) not in self._known]
        if not wanted:
            return [self._recalled(obj) for obj in objects]
        made = {_state(obj): self._known[_state(obj)] for obj in objects if _state(obj) in self._known}
        others = {self._running[_state(obj)] for obj in wanted if _state(obj) in self._running}
        missing = [obj for obj in wanted if _state(obj) not in self._running]
        if missing:
            others.add(self._start(missing))
        for task in others:
            made.update((_state(obj), obj) for obj in await asyncio.shield(task))
        return [made[_state(obj)] for obj in objects]

    async def stored(self, obj: Object) -> Object:
        """An object of the served version as it is to be stored; raises ConversionError."""
        if obj.get("apiVersion") == self._storage_version:
            return obj
        return (await self._ask([obj], self._storage_version))[0]

    def _recalled(self, obj: Object) -> Object:
        state = _state(obj)
        self._known.move_to_end(state)
        return self._known[state]

    def _start(self, missing: Sequence[Object]) -> asyncio.Task[list[Object]]:
        """Convert in a task of its own: who asked first may leave before those who joined."""
        task = asyncio.create_task(self._convert(missing), name=f"convert-to-{self._version}")
        states = [_state(obj) for obj in missing]
        self._running.update((state, task) for state in states)

        def finished(done: asyncio.Task[list[Object]]) -> None:
            for state in states:
                self._running.pop(state, None)
            if not done.cancelled():
                done.exception()  # told to all who wait, of whom there may be none any more

        task.add_done_callback(finished)
        return task

    async def _convert(self, missing: Sequence[Object], *, remember: bool = True) -> list[Object]:
        other = [obj for obj in missing if obj.get("apiVersion") != self._version]
        answers = iter(await self._ask(other, self._version) if other else ())
        made = [next(answers) if obj.get("apiVersion") != self._version else deep_copy(obj) for obj in missing]
        for obj in made:
            self._settle(obj)
            if remember:
                self._known[_state(obj)] = obj
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return made

    async def _ask(self, objects: Sequence[Object], version: str) -> list[Object]:
        spoken = review.chosen_version(self._review_versions)
        uid = new_uid()
        asked = review.request(objects, version, uid, spoken)
        limit = _GROWTH * sum(len(orjson.dumps(obj)) for obj in objects) + _SPARE_BYTES
        started = perf_counter()
        try:
            body = await self._caller.call(self._config, asked, _TIMEOUT_SECONDS, max_bytes=limit)
        except CallFailed as error:
            _SECONDS.labels("conversion_webhook_call_failure", "failure").observe(perf_counter() - started)
            raise review.failed(review.described(objects[0]), str(error)) from error
        try:
            made = review.converted(body, objects, version, uid, spoken)
        except ConversionError:
            _SECONDS.labels("conversion_webhook_malformed_response_failure", "failure").observe(
                perf_counter() - started
            )
            raise
        _SECONDS.labels("", "success").observe(perf_counter() - started)
        return made


def _state(obj: Object) -> _State:
    return uid_of(obj), str(obj["metadata"].get("resourceVersion") or "")
