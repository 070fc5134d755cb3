"""How those controllers are made that need more than the shared context: files read, flags checked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta

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


async def account_tokens(context: Context, options: Options) -> Sequence[Runnable]:
    """The controller of token Secrets, where there is a key to sign with."""
    from controller.rootca.controller import read_root_ca
    from controller.serviceaccounttoken.controller import ServiceAccountTokenController

    key_file = options.service_account_private_key_file
    if not key_file:
        return []
    if not os.access(key_file, os.R_OK):
        raise FatalError(f"error reading key for service account token controller: cannot read {key_file}")
    try:
        root_ca = await asyncio.to_thread(read_root_ca, options.root_ca_file)
    except OSError as error:
        raise FatalError(f"error reading root-ca-file at {options.root_ca_file}: {error.strerror}") from error
    workers = options.concurrent_serviceaccount_token_syncs
    return [ServiceAccountTokenController(context, key_file=key_file, root_ca=root_ca.encode(), workers=workers)]


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
    from controller.nodelifecycle.zones import EvictionRates

    watcher = NodeLifecycleController(
        context,
        monitor_period_seconds=options.node_monitor_period,
        grace_seconds=options.node_monitor_grace_period,
        startup_grace_seconds=options.node_startup_grace_period,
        rates=EvictionRates(
            normal=options.node_eviction_rate,
            secondary=options.secondary_node_eviction_rate,
            unhealthy_threshold=options.unhealthy_zone_threshold,
            large_cluster=options.large_cluster_size_threshold,
        ),
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


async def certificate_signers(context: Context, options: Options) -> Sequence[Runnable]:
    """The signers that have a CA: --cluster-signing-cert-file is for all of them, or each has its own pair of flags."""
    from controller.certificates import states
    from controller.certificates.signer import Signer

    common = (options.cluster_signing_cert_file, options.cluster_signing_key_file)
    own = {
        states.KUBELET_SERVING: (
            options.cluster_signing_kubelet_serving_cert_file,
            options.cluster_signing_kubelet_serving_key_file,
        ),
        states.KUBELET_CLIENT: (
            options.cluster_signing_kubelet_client_cert_file,
            options.cluster_signing_kubelet_client_key_file,
        ),
        states.CLIENT: (
            options.cluster_signing_kube_apiserver_client_cert_file,
            options.cluster_signing_kube_apiserver_client_key_file,
        ),
        states.LEGACY_UNKNOWN: (
            options.cluster_signing_legacy_unknown_cert_file,
            options.cluster_signing_legacy_unknown_key_file,
        ),
    }
    if any(common) and any(any(files) for files in own.values()):
        raise FatalError(
            "cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time"
        )
    signers: list[Runnable] = []
    for signer, files in own.items():
        certificate_file, key_file = common if any(common) else files
        if not certificate_file and not key_file:
            continue
        for file in (certificate_file, key_file):
            if not os.access(file, os.R_OK):
                raise FatalError(f"failed to start {signer} signer: cannot read {file or 'its certificate or key'}")
        signers.append(
            Signer(
                context,
                name=f"csrsigning-{signer.removeprefix('kubernetes.io/')}",
                signer=signer,
                certificate_file=certificate_file,
                key_file=key_file,
                longest=timedelta(seconds=options.cluster_signing_duration),
            )
        )
    return signers


async def horizontal_pod_autoscaler(context: Context, options: Options) -> Sequence[Runnable]:
    """The autoscaler with its many flags."""
    from controller.horizontalpodautoscaler.controller import HorizontalPodAutoscalerController
    from controller.horizontalpodautoscaler.replicas import Settings

    settings = Settings(
        tolerance=options.horizontal_pod_autoscaler_tolerance,
        cpu_initialization=timedelta(seconds=options.horizontal_pod_autoscaler_cpu_initialization_period),
        initial_readiness_delay=timedelta(seconds=options.horizontal_pod_autoscaler_initial_readiness_delay),
    )
    return [
        HorizontalPodAutoscalerController(
            context,
            settings,
            period=timedelta(seconds=options.horizontal_pod_autoscaler_sync_period),
            downscale_window=timedelta(seconds=options.horizontal_pod_autoscaler_downscale_stabilization),
            workers=options.concurrent_horizontal_pod_autoscaler_syncs,
        )
    ]
