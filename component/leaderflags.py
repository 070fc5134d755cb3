"""The leader election flags that the controller manager and the scheduler share."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass

from component.flags import duration, flag


@dataclass(frozen=True, kw_only=True)
class LeaderElectionOptions:
    """--leader-elect and its times; seconds."""

    leader_elect: bool = flag(
        True, help="gain a lease before working, so that one of several replicas works", group="Leader election"
    )
    leader_elect_lease_duration: float = flag(
        15.0, parse=duration, help="how long the others wait after the last renewal", group="Leader election"
    )
    leader_elect_renew_deadline: float = flag(
        10.0, parse=duration, help="how long the leader tries to renew before it gives up", group="Leader election"
    )
    leader_elect_retry_period: float = flag(
        2.0, parse=duration, help="how long to wait between tries", group="Leader election"
    )
    leader_elect_resource_lock: str = flag(
        "leases", choices=("leases",), help="the kind of object that is the lock", group="Leader election"
    )
    leader_elect_resource_namespace: str = flag(
        "kube-system", help="the namespace of the lease", group="Leader election"
    )


def identity() -> str:
    """A name for this process that no other has, now or before: host and a random id."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"
