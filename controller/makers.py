"""How those controllers are made that need more than the shared context: files read, flags checked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from component.process import FatalError
from controller.context import Context
from controller.options import Options
from controller.registry import Runnable


async def root_ca(context: Context, options: Options) -> Sequence[Runnable]:
    """The publisher of --root-ca-file."""
    from controller.rootca.controller import RootCAPublisher, read_root_ca

    try:
        text = await asyncio.to_thread(read_root_ca, options.root_ca_file)
    except OSError as error:
        raise FatalError(f"error reading root-ca-file at {options.root_ca_file}: {error.strerror}") from error
    return [RootCAPublisher(context, text)]


async def node_ipam(context: Context, options: Options) -> Sequence[Runnable]:
    """The allocator of pod CIDRs, where --allocate-node-cidrs asks for it."""
    from controller.nodeipam.controller import NodeIpamController

    if not options.allocate_node_cidrs:
        return []
    if not options.cluster_cidr:
        raise FatalError("--cluster-cidr must be given with --allocate-node-cidrs")
    size = options.node_cidr_mask_size
    try:
        return [NodeIpamController(context, cluster_cidr=options.cluster_cidr, node_mask_size=size)]
    except ValueError as error:
        raise FatalError(f"--cluster-cidr: {error}") from error


async def node_lifecycle(context: Context, options: Options) -> Sequence[Runnable]:
    """Who watches the nodes, and who evicts pods from tainted ones."""
    from controller.nodelifecycle.controller import NodeLifecycleController
    from controller.nodelifecycle.taint_manager import TaintManager

    watcher = NodeLifecycleController(
        context,
        monitor_period_seconds=options.node_monitor_period,
        grace_seconds=options.node_monitor_grace_period,
        startup_grace_seconds=options.node_startup_grace_period,
    )
    return [watcher, TaintManager(context)]


async def pod_gc(context: Context, options: Options) -> Sequence[Runnable]:
    """The pod garbage collector with its threshold."""
    from controller.podgc.controller import PodGarbageCollector

    return [PodGarbageCollector(context, terminated_threshold=options.terminated_pod_gc_threshold)]


async def garbage_collector(context: Context, options: Options) -> Sequence[Runnable]:
    """The garbage collector, unless it is switched off."""
    from controller.garbagecollector.controller import GarbageCollector

    if not options.enable_garbage_collector:
        return []
    return [GarbageCollector(context, workers=options.concurrent_gc_syncs)]
