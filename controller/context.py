"""What every controller is given: the client, the shared informers, its event recorder, the flags and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from client.events import EventRecorder
from client.informer import InformerFactory
from client.rest import RestClient


def wall_clock() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """Shared by all controllers of one process; `options` is the flags (`controller.app.Options`)."""

    client: RestClient
    informers: InformerFactory
    options: Any
    clock: Callable[[], datetime] = wall_clock
    recorders: list[EventRecorder] = field(default_factory=list)

    def recorder(self, component: str) -> EventRecorder:
        """An event recorder that names `component` as its source; `controller.app` runs it."""
        made = EventRecorder(self.client, component=component)
        self.recorders.append(made)
        return made
