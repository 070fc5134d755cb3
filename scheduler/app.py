"""kube-scheduler: flags, and what runs while this instance leads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from client import kubeconfig
from client.events import EventRecorder
from client.informer import InformerFactory
from client.rest import RestClient
from component.flags import WithoutEffect, duration, flag
from component.leadership import LeaderOptions, serve_as_leader
from component.process import FatalError, Process, run_process
from scheduler.loop import Scheduler

NAME = "kube-scheduler"
#: One alone falls behind, and Events are dropped, when hundreds of pods are bound per second.
_EVENT_WRITERS = 4


@dataclass(frozen=True, kw_only=True)
class Options(LeaderOptions):
    """The scheduler's flags."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect("the API server's own limits hold", values=("kube-api-burst", "kube-api-qps")),
        WithoutEffect("what runs is what the flags say", values=("write-config-to",)),
    )

    config: str = flag("", help="the path to the configuration file; accepted, and its clientConnection not read")
    kubeconfig: str = flag("", help="path to kubeconfig file with authorization and master location information")
    master: str = flag("", help="the address of the Kubernetes API server (overrides any value in kubeconfig)")
    secure_port: int = flag(10259, help="the port on which to serve HTTPS; 0: not at all", minimum=0, maximum=65535)
    leader_elect_resource_name: str = flag(NAME, help="the name of the Lease that the leader holds")
    pod_max_in_unschedulable_pods_duration: float = flag(
        300.0, parse=duration, help="how long a pod waits as unschedulable before it is tried again in any case"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the scheduler until it is told to stop; returns the exit code."""
    return run_process(
        serve, Options, argv, name=NAME, description="Gives every pod a node, by filtering and scoring all of them."
    )


async def serve(options: Options, process: Process) -> None:
    """Serve health, wait for the lease, schedule."""
    try:
        config = await asyncio.to_thread(kubeconfig.load, options.kubeconfig, options.master)
    except ValueError as error:
        raise FatalError(str(error)) from error
    await serve_as_leader(options, process, config, lambda client: _schedule(client, options))


async def _schedule(client: RestClient, options: Options) -> None:
    factory = InformerFactory(client)
    recorder = EventRecorder(client, component="default-scheduler")
    scheduler = Scheduler(
        client, factory, recorder, max_unschedulable_seconds=options.pod_max_in_unschedulable_pods_duration
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(factory.run(), name="informers")
        for number in range(_EVENT_WRITERS):
            group.create_task(recorder.run(), name=f"events-{number}")
        group.create_task(scheduler.run(), name="scheduler")
