"""Leader election on a coordination.k8s.io Lease (client-go tools/leaderelection)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from client.rest import RestClient


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderElectionConfig:
    """Names and times; the real flags' defaults."""

    namespace: str = "kube-system"
    name: str
    identity: str
    lease_seconds: float = 15.0
    renew_deadline_seconds: float = 10.0
    retry_seconds: float = 2.0


class LostLease(Exception):
    """The lease could not be renewed in time; the process must end."""


async def lead(client: RestClient, config: LeaderElectionConfig, work: Callable[[], Awaitable[None]]) -> None:
    """Wait for the lease, run `work` while holding it, release it when cancelled; raises `LostLease`."""
    raise NotImplementedError
