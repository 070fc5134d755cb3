"""The event recorder: core/v1 Events, written in the background, repeated ones counted up (client-go tools/record)."""

from __future__ import annotations

from apimachinery.objects import Object
from client.rest import RestClient


class EventRecorder:
    """Records Events about objects. `event` never waits and never fails; `run` writes from a bounded queue."""

    def __init__(self, client: RestClient, *, component: str, host: str = "") -> None:
        raise NotImplementedError

    def event(self, about: Object, type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """`type` is "Normal" or "Warning"; `about` needs apiVersion, kind and metadata; `field_path` names a part of it,
        such as "spec.containers{web}"."""
        raise NotImplementedError

    async def run(self) -> None:
        """Write until cancelled; on cancellation what is queued is still tried within two seconds."""
        raise NotImplementedError
