"""How those controllers are made that need more than the shared context: files read, flags checked."""

from __future__ import annotations

import asyncio

from component.process import FatalError
from controller.context import Context
from controller.endpointslice.controller import EndpointSliceController
from controller.garbagecollector.controller import GarbageCollector
from controller.nodeipam.controller import NodeIpamController
from controller.nodelifecycle.controller import NodeLifecycleController
from controller.options import Options
from controller.podgc.controller import PodGarbageCollector
from controller.registry import Runnable
from controller.rootca.controller import RootCAPublisher, read_root_ca


async def root_ca(context: Context, options: Options) -> Runnable | None:
    """The publisher of --root-ca-file, or of the CA in the kubeconfig's place where it is not given: none."""
    try:
        text = await asyncio.to_thread(read_root_ca, options.root_ca_file)
    except OSError as error:
        raise FatalError(f"error reading root-ca-file at {options.root_ca_file}: {error.strerror}") from error
    return RootCAPublisher(context, text)


async def endpoint_slices(context: Context, options: Options) -> Runnable:
    """The endpoint slice controller with its limits."""
    return EndpointSliceController(context, workers=options.concurrent_service_endpoint_syncs)


async def node_ipam(context: Context, options: Options) -> Runnable | None:
    """The allocator of pod CIDRs, where --allocate-node-cidrs asks for it."""
    if not options.allocate_node_cidrs:
        return None
    if not options.cluster_cidr:
        raise FatalError("--cluster-cidr must be given with --allocate-node-cidrs")
    try:
        return NodeIpamController(
            context, cluster_cidr=options.cluster_cidr, node_mask_size=options.node_cidr_mask_size
        )
    except ValueError as error:
        raise FatalError(f"--cluster-cidr: {error}") from error


async def node_lifecycle(context: Context, options: Options) -> Runnable:
    """The watch over the nodes with its times."""
    return NodeLifecycleController(
        context,
        monitor_period_seconds=options.node_monitor_period,
        grace_seconds=options.node_monitor_grace_period,
        startup_grace_seconds=options.node_startup_grace_period,
    )


async def pod_gc(context: Context, options: Options) -> Runnable:
    """The pod garbage collector with its threshold."""
    return PodGarbageCollector(context, terminated_threshold=options.terminated_pod_gc_threshold)


async def garbage_collector(context: Context, options: Options) -> Runnable | None:
    """The garbage collector, unless --enable-garbage-collector=false."""
    return GarbageCollector(context, workers=options.concurrent_gc_syncs) if options.enable_garbage_collector else None
