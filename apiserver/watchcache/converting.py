"""A watch whose objects are converted by something that has to be asked: the events of a batch in one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import orjson

from apimachinery.objects import Object
from apiserver.storage.interface import Revision
from apiserver.watchcache.encoding import frame, object_at_revision
from apiserver.watchcache.watcher import Watcher
from apiserver.watchcache.window import Change, Transform

#: From stored objects to what the watcher's version shows of them; raises ApiError.
Convert = Callable[[Sequence[Object]], Awaitable[Sequence[Object]]]


class ConvertingWatcher(Watcher):
    """As `Watcher`, with events in the form of another version; ends with the ApiError of a conversion that failed."""

    batch_events = 64

    def convert_by(self, convert: Convert, view: Transform | None, api_version: str) -> None:
        """Said once, before the first read: `view` is applied to what `convert` gives in the form of `api_version`."""
        self._convert = convert
        self._view = view
        self._api_version = api_version

    async def _next(self) -> bytes:
        while self._initial_at < len(self._initial):
            batch = self._initial_batch()
            if data := await self._lines([("ADDED", item.obj) for item in batch if self._selects(item)]):
                return data
        if self._initial_end:
            return self._collect()
        while changes := self._following():
            data = await self._lines([event for change in changes for event in self._events(change)])
            self._passed(changes)
            if data:
                return data
        return self._due_bookmark()

    def _events(self, change: Change) -> Sequence[tuple[str, Object]]:
        event = self._event_type(change) if change.revision > self._after else ""
        state = change.previous if event == "DELETED" else change.current
        return [(event, object_at_revision(state.obj, change.revision))] if event and state else []

    async def _lines(self, events: Sequence[tuple[str, Object]]) -> bytes:
        if not events:
            return b""
        shown = await self._convert([obj for _, obj in events])
        if self._closed:  # while the answer was waited for: whoever reads would wait for ever
            raise StopAsyncIteration
        view = self._view
        pairs = zip(events, shown, strict=True)
        return b"".join([frame(event, orjson.dumps(view(obj) if view else obj)) for (event, _), obj in pairs])

    def _bookmark(self, revision: Revision, *, initial_end: bool) -> bytes:
        obj = {**self._cache.bookmark(revision, initial_end=initial_end), "apiVersion": self._api_version}
        return frame("BOOKMARK", orjson.dumps(self._view(obj) if self._view else obj))
