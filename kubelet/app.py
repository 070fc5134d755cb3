"""The kubelet: flags, wiring, life. What it does is in the modules it puts together."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

from api.resources import NODES, PODS, SERVICES
from client.events import EventRecorder
from client.informer import Informer
from client.kubeconfig import load
from client.rest import ClientConfig, RestClient
from component.process import FatalError, Process, run_process
from component.version import PROGRAM_VERSION
from kubelet.certificates.bootstrap import bootstrap
from kubelet.config_file import ConfigFileError, with_config_file
from kubelet.machine import swap_is_on
from kubelet.network.backend.plan import Backend
from kubelet.node import Kubelet
from kubelet.node_address import AddressError, NodeAddress
from kubelet.options import KubeletOptions

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the kubelet; its exit code."""
    return run_process(
        serve, KubeletOptions, argv, name="kubelet", description="The node agent: runs the pods bound to this node."
    )


async def serve(options: KubeletOptions, process: Process) -> None:
    """Run until cancelled."""
    logging.getLogger("pyroute2").setLevel(logging.WARNING)  # it logs every netlink message
    try:
        options = with_config_file(options)
    except ConfigFileError as error:
        raise FatalError(str(error)) from error
    if options.fail_swap_on and await asyncio.to_thread(swap_is_on):
        raise FatalError("running with swap on is not supported, please disable swap or set --fail-swap-on=false")
    node_name = (options.hostname_override or socket.gethostname()).strip().lower()
    config = await _client_config(options, node_name)
    try:
        address = NodeAddress(options.node_ip)
        await address.look()
    except AddressError as error:
        raise FatalError(str(error)) from error
    try:
        await asyncio.to_thread(Path(options.root_dir).mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise FatalError(f"the root directory cannot be made: {error}") from error
    async with RestClient(config, user_agent=f"kubelet/{PROGRAM_VERSION}") as client:
        recorder = EventRecorder(client, component="kubelet", host=node_name)
        kubelet = Kubelet(options, client, recorder, node_name, address)
        await kubelet.run(process, _informers(client, node_name, Backend(options.pod_network_backend)))


async def _client_config(options: KubeletOptions, node_name: str) -> ClientConfig:
    master = options.master or options.api_servers
    if not options.kubeconfig and not master:
        raise FatalError("no API server: set --kubeconfig or --master (standalone operation is not supported)")
    try:
        if options.bootstrap_kubeconfig and options.kubeconfig:
            kubeconfig = Path(options.kubeconfig)
            await bootstrap(Path(options.bootstrap_kubeconfig), kubeconfig, Path(options.cert_dir), node_name)
        return await asyncio.to_thread(load, options.kubeconfig, master)
    except ValueError as error:
        raise FatalError(str(error)) from error
    except OSError as error:
        raise FatalError(f"the kubelet's credentials cannot be written: {error}") from error


def _informers(client: RestClient, node_name: str, backend: Backend) -> tuple[Informer, Informer, Informer]:
    pods = Informer(client, PODS, field_selector=f"spec.nodeName={node_name}")
    services = Informer(client, SERVICES)
    # Routes to the pods of other nodes need all of them.
    nodes = Informer(client, NODES, field_selector="" if backend is not Backend.NONE else f"metadata.name={node_name}")
    return pods, services, nodes
