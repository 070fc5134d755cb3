"""kube-apiserver: options in, a serving API server out. Wiring only; every part is in a package beside this module."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import random
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.catalog import KINDS
from api.resources import NODES, SERVICES
from apimachinery import schema
from apiserver import featuremetrics, storing, workers
from apiserver.aggregation.aggregator import Aggregator
from apiserver.aggregation.transport import Transport
from apiserver.allocation.allocator import ServiceAllocator
from apiserver.audit import open_audit, running
from apiserver.audit.trail import Auditor
from apiserver.crd.controller import CustomResources
from apiserver.features import optional_kinds
from apiserver.flowcontrol.controller import FlowControl
from apiserver.flowcontrol.wiring import open_limiter
from apiserver.healthchecks import health_checks
from apiserver.http.certificates import ServingCertificates
from apiserver.http.crossorigin import BrowserRules
from apiserver.http.listener import Listener, ListenError
from apiserver.http.nonresource import NonResourcePaths
from apiserver.http.openapi import OpenApi
from apiserver.http.resources import ResourceHandlers
from apiserver.http.server import ApiServer
from apiserver.http.sni import NamedPair
from apiserver.http.special.kubelets import Kubelets
from apiserver.http.special.table import build as special_table
from apiserver.http.tls import TlsError, TlsSettings, default_pair
from apiserver.http.watching import WatchStreams
from apiserver.options import Options
from apiserver.registry.loopback import RegistryLoopback
from apiserver.registry.registry import Registry
from apiserver.registry.versions import RegistryVersions
from apiserver.scraping import WorkerEnd
from apiserver.security import Security, open_security
from apiserver.storage.compaction import compact_regularly
from apiserver.storage.encryption import EncryptedStorage
from apiserver.storage.encryption.reload import follow as follow_encryption
from apiserver.storage.interface import Storage
from apiserver.storecollector import StoreCollector
from apiserver.watchcache.feed import Feed
from apiserver.webhooks.caller import Caller
from component import metrics
from component.process import FatalError, Process, run_process

logger = logging.getLogger(__name__)

#: Garbage collections, by Python's three generations: so rare that a busy server spends 3 % of its time on them instead
#: of 5. The other daemons are not that busy.
_COLLECTIONS = (5_000, 20, 20)
_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


@dataclass(frozen=True, slots=True)
class Parts:
    """One API server, put together and not yet started."""

    options: Options
    feed: Feed
    registry: Registry
    allocator: ServiceAllocator
    security: Security
    custom: CustomResources
    aggregator: Aggregator
    flow: FlowControl | None  #: None: priority and fairness are off
    kubelets: Kubelets
    webhooks: Caller
    listener: Listener
    siblings: WorkerEnd | None  #: None: this is no worker among others
    started: asyncio.Event  #: what is done once at start is done
    address: str  #: where others reach this server


async def serve(options: Options, process: Process) -> None:
    """Run until cancelled."""
    node_ports(options.service_node_port_range)
    address = advertised(options)
    auditor = await open_audit(options)
    storage = await storing.open_storage(options)
    try:
        async with running(auditor, process):
            await _run(assemble(storage, options, process, address, auditor), storage, process)
    finally:
        await storage.close()


def assemble(
    storage: Storage, options: Options, process: Process, address: str, auditor: Auditor | None = None
) -> Parts:
    """Wire the parts on a store; raises FatalError for flags that make no sense."""
    feed = Feed(storage)
    ttl = int(options.event_ttl_seconds)
    registry = Registry(feed, schema.load(), prefix=options.etcd_prefix, event_ttl_seconds=ttl)
    try:
        registry.add([*KINDS, *optional_kinds(options.runtime_config)])
    except ValueError as error:
        raise FatalError(str(error)) from error
    allocator = _allocator(feed, options)
    registry.of(SERVICES).store.hook = allocator
    loopback = RegistryLoopback(registry)
    metrics.show(StoreCollector(registry, allocator))
    featuremetrics.show(options.feature_gates)
    webhooks = Caller(loopback)
    security = open_security(
        options,
        loopback,
        webhooks,
        RegistryVersions(registry),
        advertise_address=address,
        service_ip=first_ip(options),
    )
    registry.admission.chain = security.admission
    started = asyncio.Event()
    local = (
        "127.0.0.1" if options.bind_address in ("0.0.0.0", "::", "") else options.bind_address,
        options.secure_port,
    )
    aggregator = Aggregator(
        loopback,
        Transport(loopback, options, own_address=local),
        redirects=not options.aggregator_reject_forwarding_redirect,
    )
    health = health_checks(storage, feed, process, started, flow=options.enable_priority_and_fairness)
    siblings = WorkerEnd(options.metrics_socket) if options.metrics_socket >= 0 else None
    paths = NonResourcePaths(
        registry,
        aggregator,
        health,
        f"{address}:{options.secure_port}",
        metrics_text=siblings.text if siblings is not None else metrics.text,
    )
    security.add_paths(paths)
    OpenApi(registry, aggregator.specs).add_paths(paths)
    limiter, flow = open_limiter(options, registry, loopback, paths)
    streams = WatchStreams()
    resources = ResourceHandlers(streams, security.authorization, min_watch_seconds=float(options.min_request_timeout))
    kubelets = Kubelets(registry.of(NODES), options)
    server = ApiServer(
        registry,
        resources,
        paths,
        special_table(registry, resources, kubelets, reviews=security.reviews, mint=security.mint),
        authenticator=security.authentication,
        authorizer=security.authorization,
        limits=limiter,
        request_timeout_seconds=options.request_timeout_seconds,
        anonymous=options.anonymous_auth,
        auditor=auditor,
        aggregator=aggregator,
        browsers=_browsers(options),
    )
    listener = Listener(server, streams, share_port=options.permit_port_sharing)
    custom = CustomResources(registry, loopback, webhooks)
    return Parts(
        options,
        feed,
        registry,
        allocator,
        security,
        custom,
        aggregator,
        flow,
        kubelets,
        webhooks,
        listener,
        siblings,
        started,
        address,
    )


def _browsers(options: Options) -> BrowserRules:
    try:
        return BrowserRules(options.cors_allowed_origins, options.strict_transport_security_directives)
    except ValueError as error:
        raise FatalError(str(error)) from error


def _allocator(feed: Feed, options: Options) -> ServiceAllocator:
    ranges = options.service_cluster_ip_range.split(",")
    ports = node_ports(options.service_node_port_range)
    try:
        return ServiceAllocator(feed, ranges, ports, prefix=options.etcd_prefix)
    except ValueError as error:
        raise FatalError(f"--service-cluster-ip-range: {error}") from error


async def _run(parts: Parts, storage: Storage, process: Process) -> None:
    """Start everything in its order, wait for the end, and stop in the opposite order."""
    options = parts.options
    following = process.spawn("watch-cache", parts.feed.run())
    if parts.siblings is not None:
        process.spawn("metrics-of-workers", parts.siblings.run())
    try:
        certificates = await _listen(parts.listener, options, parts.address)
        process.spawn("serving-certificates", certificates.follow())
        await _start(parts)
        process.spawn("custom-resources", parts.custom.run())
        process.spawn("aggregation", parts.aggregator.follow())
        process.spawn("apiservice-availability", parts.aggregator.check())
        if parts.flow is not None:
            process.spawn("flow-control", parts.flow.run())
        process.spawn("bootstrap", parts.security.bootstrap.run())
        if isinstance(storage, EncryptedStorage) and options.encryption_provider_config_automatic_reload:
            process.spawn("encryption-config", follow_encryption(storage, Path(options.encryption_provider_config)))
        process.spawn("compaction", compact_regularly(storage, options.etcd_compaction_interval_seconds))
        process.spawn("storage-metrics", storing.count_objects(parts.registry))
        process.ready("serving")
        gc.set_threshold(*_COLLECTIONS)
        logger.info("Serving", extra={"address": options.bind_address, "port": options.secure_port})
        # Not for `stopping`: it is set just before the cancellation, which would then hit the clean-up below.
        await asyncio.Event().wait()
    finally:
        if options.shutdown_delay_duration_seconds:
            await asyncio.sleep(options.shutdown_delay_duration_seconds)
        if parts.started.is_set():
            await parts.security.bootstrap.close()
        await parts.listener.close()
        await parts.security.close()
        await parts.kubelets.close()
        await parts.aggregator.close()
        await parts.webhooks.close()
        following.cancel()
        await asyncio.wait({following})


async def _start(parts: Parts) -> None:
    """What is done once, before this server is ready."""
    await parts.feed.wait_ready()
    await parts.allocator.repair(parts.registry.of(SERVICES).store.cache)
    await parts.security.bootstrap.ensure()
    await parts.custom.sync()
    await parts.aggregator.start()
    if parts.flow is not None:
        parts.flow.refresh()
    parts.started.set()


async def _listen(listener: Listener, options: Options, address: str) -> ServingCertificates:
    alternatives = [*_NAMES, "localhost", socket.gethostname(), "127.0.0.1", "::1", address, first_ip(options)]
    authorities = [name for name in (options.client_ca_file, options.requestheader_client_ca_file) if name]
    settings = TlsSettings(
        client_ca_files=authorities, min_version=options.tls_min_version, cipher_suites=options.tls_cipher_suites
    )
    try:
        files = await default_pair(
            options.tls_cert_file,
            options.tls_private_key_file,
            cert_dir=options.cert_dir,
            alternatives=list(dict.fromkeys(alternatives)),
        )
        certificates = ServingCertificates(
            NamedPair(*files), options.tls_sni_cert_key, settings, address=options.bind_address
        )
        await listener.start(options.bind_address, options.secure_port, certificates.context)
        if options.insecure_port:
            await listener.start_insecure(options.insecure_bind_address, options.insecure_port)
    except (TlsError, ListenError) as error:
        raise FatalError(str(error)) from error
    return certificates


def node_ports(text: str) -> tuple[int, int]:
    """First and last of "30000-32767" (or "30000+2767", or one port); raises FatalError."""
    try:
        if "+" in text:
            low, size = (int(part) for part in text.split("+", 1))
            high = low + size
        elif "-" in text:
            low, high = (int(part) for part in text.split("-", 1))
        else:
            low = high = int(text)
    except ValueError as error:
        raise FatalError(f"--service-node-port-range: {text!r} is no range of ports") from error
    if not 0 < low <= high <= 65535:
        raise FatalError(f"--service-node-port-range: {text!r} is no range of ports")
    return low, high


def first_ip(options: Options) -> str:
    """The cluster IP of the kubernetes Service: the first of the range."""
    cidr = options.service_cluster_ip_range.split(",")[0].strip()
    try:
        return str(ipaddress.ip_network(cidr, strict=False)[1])
    except (ValueError, IndexError) as error:
        raise FatalError(f"--service-cluster-ip-range: {error}") from error


def advertised(options: Options) -> str:
    """The address that others reach this server at: never a loopback one where there is any other."""
    if options.advertise_address:
        return options.advertise_address
    bound = options.bind_address
    if bound and not _is_local_only(bound):
        return bound
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: asks the routing table for our address
            return str(probe.getsockname()[0])
        except OSError:
            logger.info("No route to elsewhere", extra={"advertised": "an address of the host's name"})
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        found = []
    return next((str(entry[4][0]) for entry in found if not _is_local_only(str(entry[4][0]))), "127.0.0.1")


def _is_local_only(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise FatalError(f"--bind-address: {error}") from error
    return parsed.is_loopback or parsed.is_unspecified


async def _serve(argv: Sequence[str], options: Options, process: Process) -> None:
    if options.workers > 1:
        await workers.supervise(options, argv, process)
    else:
        await serve(options, process)


def main(argv: Sequence[str] | None = None) -> int:
    """Run kube-apiserver; returns the exit code."""
    random.seed()
    return run_process(
        partial(_serve, sys.argv[1:] if argv is None else argv),
        Options,
        argv,
        name="kube-apiserver",
        description="The Kubernetes API server validates and configures data for the API objects, which include pods, "
        "services, replicationcontrollers, and others.",
    )
