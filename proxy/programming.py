"""When the changes began that wait to be programmed, for the metric of network programming latency. No I/O.

The endpoints controllers note the moment of the pod's or Service's change in an annotation of the slice."""

from __future__ import annotations

from collections.abc import Callable

from apimachinery.objects import Object, annotations_of, parse_time

LAST_CHANGE_TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
_MOST = 10_000


class PendingChanges:
    """Unix seconds of the changes since the last `take`; those from before this process began tell nothing of it."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._began = clock()
        self._triggers: list[float] = []

    def note(self, old: Object | None, new: Object) -> None:
        """A slice has changed."""
        trigger = annotations_of(new).get(LAST_CHANGE_TRIGGER_TIME)
        if not trigger or (old is not None and annotations_of(old).get(LAST_CHANGE_TRIGGER_TIME) == trigger):
            return
        try:
            at = parse_time(trigger).timestamp()
        except ValueError:
            return  # anyone may write annotations
        if at >= self._began and len(self._triggers) < _MOST:
            self._triggers.append(at)

    def take(self) -> list[float]:
        """All, which then wait no more."""
        taken, self._triggers = self._triggers, []
        return taken

    def put_back(self, triggers: list[float]) -> None:
        """Taken ones that could not be programmed after all."""
        self._triggers = (triggers + self._triggers)[:_MOST]
