"""Why a container or pod could not be brought up: a waiting reason, a message, and when to try again."""

from __future__ import annotations

from kubelet.plan.container_status import StartError


class StartFailed(Exception):
    """A container did not start; shown as its waiting state. `retry_seconds`: when to look again."""

    def __init__(self, reason: str, message: str, retry_seconds: float = 10.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_seconds = retry_seconds

    @property
    def shown(self) -> StartError:
        """For the container's status."""
        return StartError(self.reason, self.message)


class SyncFailed(Exception):
    """The pod as a whole could not be brought further (no sandbox, a volume missing); its event is written."""
