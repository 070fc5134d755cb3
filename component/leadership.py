"""What the controller manager and the scheduler do alike: serve health, wait for the lease, and then work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from client.leaderelection import LeaderElectionConfig, lead
from client.rest import ClientConfig, RestClient
from component.leaderflags import LeaderElectionOptions, identity
from component.process import Process
from component.servingflags import ServingOptions


@dataclass(frozen=True, kw_only=True)
class LeaderOptions(ServingOptions, LeaderElectionOptions):
    """The flags of a daemon of which one leads. Subclasses give the two below their defaults."""

    secure_port: int
    leader_elect_resource_name: str


async def serve_as_leader(
    options: LeaderOptions, process: Process, config: ClientConfig, work: Callable[[RestClient], Awaitable[None]]
) -> None:
    """Serve health and metrics, and run `work` with a client while this process holds the lease.

    Raises FatalError where the port is in use, LostLease where the lease could not be renewed."""
    await process.serve_health(
        options.bind_address,
        options.secure_port,
        tls=True,
        cert_file=options.tls_cert_file,
        key_file=options.tls_private_key_file,
    )
    async with RestClient(config, user_agent=process.name) as client:
        process.ready("serving")
        if not options.leader_elect:
            await work(client)
            return
        election = LeaderElectionConfig(
            namespace=options.leader_elect_resource_namespace,
            name=options.leader_elect_resource_name,
            identity=identity(),
            lease_seconds=options.leader_elect_lease_duration,
            renew_deadline_seconds=options.leader_elect_renew_deadline,
            retry_seconds=options.leader_elect_retry_period,
        )
        await lead(client, election, lambda: work(client))
