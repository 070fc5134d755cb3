"""kube-controller-manager: makes the controllers of `registry` and runs them while this instance leads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from client import kubeconfig
from client.informer import InformerFactory
from client.rest import RestClient
from component.leadership import serve_as_leader
from component.process import FatalError, Process, run_process
from controller.context import Context
from controller.credentials import ServiceAccountClients, has_account
from controller.options import NAME, Options
from controller.registry import Runnable, selected

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the controllers until told to stop; returns the exit code."""
    return run_process(
        serve, Options, argv, name=NAME, description="Watches the cluster and makes it what its objects ask for."
    )


async def serve(options: Options, process: Process) -> None:
    """Serve health, wait for the lease, run the controllers."""
    try:
        config = await asyncio.to_thread(kubeconfig.load, options.kubeconfig, options.master)
        selected(options.controllers)
    except ValueError as error:
        raise FatalError(str(error)) from error
    await serve_as_leader(options, process, config, lambda client: run_controllers(client, options))


async def run_controllers(client: RestClient, options: Options) -> None:
    """Run the chosen controllers with informers of their own until cancelled, or until one dies."""
    context = Context(client, InformerFactory(client), options)
    anonymous = await asyncio.to_thread(kubeconfig.load, options.kubeconfig, options.master, anonymous=True)
    async with ServiceAccountClients(client, anonymous) as accounts:
        controllers = await _make(context, options, accounts)
        async with asyncio.TaskGroup() as group:
            group.create_task(context.informers.run(), name="informers")
            group.create_task(accounts.run(), name="service-account-tokens")
            for recorder in context.recorders:
                group.create_task(recorder.run(), name="events")
            for controller in controllers:
                group.create_task(controller.run(), name=f"controller-{controller.name}")


async def _make(context: Context, options: Options, accounts: ServiceAccountClients) -> list[Runnable]:
    controllers: list[Runnable] = []
    for entry in selected(options.controllers):
        if entry.is_needed is not None and not await entry.is_needed(context.client):
            logger.info("Controller is not needed", extra={"controller": entry.name})
            continue
        own = context
        if options.use_service_account_credentials and has_account(entry.alias):
            own = replace(context, client=await accounts.client_for(entry.alias))
        made = await entry.make(own, options)
        if not made:
            logger.info("Controller is not needed", extra={"controller": entry.name})
        controllers += made
    return controllers
