"""The plugins in their order, the time that each takes, and which of them a request has to pass at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import NamedTuple

from apimachinery.objects import Object
from apiserver.admission.base import Plugin, operation
from apiserver.admission.metrics import StepTimes
from apiserver.interfaces import AdmissionPlugin, Attributes

_KEPT = 4096


class _Call(NamedTuple):
    """One plugin's part in a step."""

    name: str
    ask: Callable[[Attributes, Object | None, Object | None], Awaitable[list[str] | None]]
    took: Callable[[float], None]  #: notes its seconds


class _Step:
    """Mutating or validating admission of one kind of request: the plugins that have something to do in it."""

    __slots__ = ("_calls", "_times")

    def __init__(self, plugins: Sequence[AdmissionPlugin], name: str, verb: str) -> None:
        self._times = StepTimes(name, verb)
        self._calls = [
            _Call(plugin.name, getattr(plugin, name), self._times.of_plugin(plugin.name).observe)
            for plugin in plugins
            if getattr(type(plugin), name) is not getattr(Plugin, name)  # what does nothing need not be waited for
        ]

    async def run(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Ask one after the other: their warnings; raises ApiError."""
        warnings: list[str] = []
        started = before = perf_counter()
        name = ""
        try:
            for name, ask, took in self._calls:  # noqa: B007 - the last one's name is that of who refused
                if said := await ask(attributes, obj, old):
                    warnings += said
                after = perf_counter()
                took(after - before)
                before = after
        except Exception:
            after = perf_counter()
            self._times.refused_by(name, after - before)
            self._times.refused(after - started)
            raise
        self._times.passed(before - started)
        return warnings


class Chain:
    """All plugins of the server."""

    def __init__(self, plugins: Sequence[AdmissionPlugin]) -> None:
        self.plugins = tuple(plugins)
        self._by_request: dict[tuple[str, str, str, str], tuple[_Step, _Step]] = {}

    def _steps(self, attributes: Attributes) -> tuple[_Step, _Step]:
        """Which plugins handle a request depends on these four alone, and is asked on every write."""
        key = (attributes.verb, attributes.group, attributes.resource, attributes.subresource)
        found = self._by_request.get(key)
        if found is None:
            plugins = [plugin for plugin in self.plugins if plugin.handles(attributes)]
            verb = operation(attributes)
            if len(self._by_request) > _KEPT:
                self._by_request.clear()
            found = self._by_request[key] = _Step(plugins, "admit", verb), _Step(plugins, "validate", verb)
        return found

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Mutating admission, twice where webhooks have changed the object (the plugins see to it that twice is once);
        raises ApiError."""
        attributes.notes.again = None
        step = self._steps(attributes)[0]
        await step.run(attributes, obj, old)
        again = attributes.notes.again
        if again is not None and again.start():
            await step.run(attributes, obj, old)

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Validating admission: the warnings; raises ApiError."""
        return await self._steps(attributes)[1].run(attributes, obj, old)
