"""kube-dns: from flags to a running server. The only place where its parts are put together."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from api.resources import ENDPOINT_SLICES, LEASES, NAMESPACES, PODS, SERVICES
from client.informer import Informer, InformerFactory
from client.kubeconfig import load
from client.rest import RestClient
from component.hostaddress import host_address
from component.process import FatalError, Process, run_process
from dns.clients import ClientFilter
from dns.feed import ZoneFeed
from dns.options import DnsOptions, host_port
from dns.registration.plan import Replica, selector
from dns.registration.registrar import Registrar
from dns.responder import Responder
from dns.tcp import TcpServer
from dns.udp import UdpServer
from dns.upstream.forwarder import Forwarder, ForwardSettings
from dns.upstream.plan import Policy, Upstream, nameservers, parse_upstream
from dns.zone.lookup import Lookup, PodRecords
from dns.zone.zone import Zone

logger = logging.getLogger(__name__)

_RESOLV_CONF_SECONDS = 5.0
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PATHS: dict[str, Literal["livez", "readyz"]] = {"health": "livez", "ready": "readyz"}


def main(argv: Sequence[str] | None = None) -> int:
    """The kube-dns command."""
    return run_process(
        serve,
        DnsOptions,
        argv,
        name="kube-dns",
        description="The cluster's DNS server: names of Services and pods from the API, all others from other servers.",
    )


async def serve(options: DnsOptions, process: Process) -> None:
    """Run until told to stop. Raises FatalError for what no retry can mend."""
    try:
        upstreams = [parse_upstream(text) for text in options.upstream]
        address = _bind_address(options)
        config = load(options.kubeconfig, options.master)
        domain = options.cluster_domain.rstrip(".").lower()
        if len(domain) > 200 or not _DOMAIN.fullmatch(domain):
            raise ValueError(f'--cluster-domain: "{options.cluster_domain}" is not a domain')
        for text, name in _listeners(options):
            host_port(text, name)
        ClientFilter(options.allow_from)
    except ValueError as error:
        raise FatalError(str(error)) from error
    async with RestClient(config, user_agent="kube-dns") as client:
        await _Server(options, process, client, address, domain).run(upstreams)


class _Server:
    """The parts of one running kube-dns."""

    def __init__(self, options: DnsOptions, process: Process, client: RestClient, address: str, domain: str) -> None:
        self._options, self._process, self._client, self._address = options, process, client, address
        self._informers = InformerFactory(client)
        self._zone = Zone(domain, dns_service=f"{options.service_namespace}/{options.service_name}")
        self._slices = self._informers.informer(ENDPOINT_SLICES)
        self._feed = ZoneFeed(
            self._zone,
            services=self._informers.informer(SERVICES),
            endpoint_slices=self._slices,
            namespaces=self._informers.informer(NAMESPACES),
            pods=self._informers.informer(PODS) if options.pods == "verified" else None,
        )

    async def run(self, upstreams: Sequence[Upstream]) -> None:
        """Serve until the process stops."""
        options, process = self._options, self._process
        forwarder = self._forwarder()
        ttl = int(options.record_ttl)
        lookup = Lookup(self._zone, pods=cast(PodRecords, options.pods), negative_ttl_seconds=ttl)
        responder = Responder(lookup, forwarder, ttl_seconds=ttl, synced=lambda: self._feed.synced)
        clients, name = ClientFilter((*options.allow_from, self._address)), f"dns://:{options.port}"
        udp = UdpServer(responder, clients, server=name, max_waiting=options.max_concurrent_forwards)
        tcp = TcpServer(responder, clients, server=name)
        forwarder.use(upstreams or await asyncio.to_thread(_configured, options.resolv_conf))
        try:
            try:
                port = await udp.listen(self._address, options.port)
                await tcp.listen(self._address, port)
            except OSError as error:
                raise FatalError(f"cannot serve {self._address}:{options.port}: {error.strerror or error}") from error
            logger.info("Serving DNS", extra={"address": self._address, "port": port, "domain": self._zone.domain})
            await self._serve_health()
            process.spawn("informers", self._informers.run())
            if not upstreams:
                process.spawn("resolv-conf", _follow_resolv_conf(options.resolv_conf, forwarder))
            process.ready("waiting for the API server")
            await self._feed.wait_synced()
            logger.info("The zone is complete", extra={"changes": self._zone.version})
            process.status("serving")
            await self._stay(port)
        finally:
            await udp.close()
            await tcp.close()
            await forwarder.close()

    def _forwarder(self) -> Forwarder:
        options = self._options
        settings = ForwardSettings(
            policy=cast(Policy, options.upstream_policy),
            timeout_seconds=options.upstream_timeout,
            max_concurrent=options.max_concurrent_forwards,
            cache_entries=options.cache_entries,
            max_ttl_seconds=int(options.cache_max_ttl),
            own_addresses=(self._address,),
            own_port=options.port,
        )
        return Forwarder(settings, cluster_addresses=self._service_addresses)

    def _service_addresses(self) -> tuple[str, ...]:
        service = self._zone.service(self._options.service_namespace, self._options.service_name)
        return service.cluster_ips if service is not None else ()

    async def _serve_health(self) -> None:
        process = self._process
        process.add_health_check("kubernetes", self._not_synced, readiness_only=True)
        for text, name in _listeners(self._options):
            host, port = host_port(text, name)
            await process.serve_health(host, port, aliases=_PATHS)

    def _not_synced(self) -> str | None:
        if self._process.stopping.is_set():
            return "shutting down"
        return None if self._feed.synced else "the API server has not told everything yet"

    async def _stay(self, port: int) -> None:
        """Be an endpoint of the Service until the process stops, and leave it before the sockets close."""
        options = self._options
        if options.register and ipaddress.ip_address(self._address).is_loopback:
            logger.warning("A loopback address cannot be an endpoint: not registered", extra={"address": self._address})
        elif options.register:
            await self._be_endpoint(self._replica(port))
        await asyncio.Event().wait()

    async def _be_endpoint(self, replica: Replica) -> None:
        """Be an endpoint until cancelled."""
        leases = Informer(
            self._client, LEASES, namespace=replica.lease_namespace, label_selector=selector(replica.service)
        )
        registrar = Registrar(self._client, replica, slices=self._slices, leases=leases)
        self._process.spawn("informer-leases", leases.run())
        self._process.spawn("registrar", registrar.run())
        try:
            # Until cancelled, rather than until `stopping` is set: the cancellation would then hit what follows.
            await asyncio.Event().wait()
        finally:
            others = registrar.others
            await registrar.withdraw()
            if others:
                # Proxies elsewhere send questions here until they have heard; the last server has nobody to wait for.
                await asyncio.sleep(self._options.lameduck)

    def _replica(self, port: int) -> Replica:
        options = self._options
        metrics_host, metrics_port = "", 0
        if options.metrics_bind_address:
            metrics_host, metrics_port = host_port(options.metrics_bind_address, "--metrics-bind-address")
        served = bool(metrics_host) and not ipaddress.ip_address(metrics_host).is_loopback
        return Replica(
            address=self._address,
            port=port,
            metrics_port=metrics_port if served else 0,
            node_name=(options.hostname_override or socket.gethostname()).strip().lower(),
            namespace=options.service_namespace,
            service=options.service_name,
            lease_namespace=options.lease_namespace,
        )


def _bind_address(options: DnsOptions) -> str:
    if options.bind_address:
        try:
            address = ipaddress.ip_address(options.bind_address)
        except ValueError as error:
            raise ValueError(f"--bind-address: {error}") from error
        if address.is_unspecified:
            raise ValueError(
                "--bind-address must be one address: an answer has to come from the address that was asked"
            )
        return str(address)
    found = host_address()
    if found is None:
        raise ValueError("no address of this machine is known: set --bind-address")
    return found


def _listeners(options: DnsOptions) -> list[tuple[str, str]]:
    wanted = (
        (options.healthz_bind_address, "--healthz-bind-address"),
        (options.metrics_bind_address, "--metrics-bind-address"),
    )
    return [(text, name) for text, name in wanted if text]


def _configured(path: str) -> tuple[Upstream, ...]:
    """The servers that a resolv.conf names; none where it cannot be read."""
    try:
        return nameservers(Path(path).read_text())
    except OSError as error:
        logger.warning("The resolver configuration cannot be read", extra={"path": path, "error": str(error)})
        return ()


async def _follow_resolv_conf(path: str, forwarder: Forwarder) -> None:
    """Take over changes of the file, which DHCP clients and VPNs rewrite."""
    while True:
        await asyncio.sleep(_RESOLV_CONF_SECONDS)
        found = await asyncio.to_thread(_configured, path)
        if found:
            forwarder.use(found)
