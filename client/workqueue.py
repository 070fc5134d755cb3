"""A queue of keys: each key at most once at a time, later additions while it is worked on kept, failures backed off.

The semantics are those of client-go's util/workqueue."""

from __future__ import annotations


class WorkQueue:
    """Keys to reconcile. Not thread-safe: one event loop."""

    def __init__(self, name: str, *, base_delay_seconds: float = 0.005, max_delay_seconds: float = 1000.0) -> None:
        raise NotImplementedError

    def add(self, key: str) -> None:
        """Enqueue now, unless it already waits."""
        raise NotImplementedError

    def add_after(self, key: str, seconds: float) -> None:
        """Enqueue later; the soonest of several wins."""
        raise NotImplementedError

    def add_rate_limited(self, key: str) -> None:
        """Enqueue after this key's own exponential back-off."""
        raise NotImplementedError

    def forget(self, key: str) -> None:
        """Start this key's back-off anew."""
        raise NotImplementedError

    def num_requeues(self, key: str) -> int:
        """How often the key was backed off since it was last forgotten."""
        raise NotImplementedError

    async def get(self) -> str:
        """The next key; the caller must call `done` with it. Raises `ShutDown` once shut down and drained."""
        raise NotImplementedError

    def done(self, key: str) -> None:
        """The work on this key is over (for now)."""
        raise NotImplementedError

    def shut_down(self) -> None:
        """Take no more keys; `get` ends once empty."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


class ShutDown(Exception):
    """The queue was shut down and is empty."""
