"""The pod network of one node: a bridge, a veth pair per sandbox, host-local addresses, host ports.

The shell around `plan.py` and `firewall.py` (pure), `attachments.py` (the memory), `netlink.py` and iptables.
Every method may be repeated after a crash at any point; callers retry on NetworkError."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from component.iptables import Iptables, IptablesError, PacketFilter
from kubelet.network import firewall, sysctl
from kubelet.network.attachments import Attachment, AttachmentStore, HostPort
from kubelet.network.backend.peers import Peer, Problem
from kubelet.network.backend.plan import Backend
from kubelet.network.backend.sync import NodeRoutes
from kubelet.network.errors import NetworkError, NetworkNotReady
from kubelet.network.netlink import DEFAULT_MTU, Netlink
from kubelet.network.plan import BRIDGE, NodePlan, host_link_of, next_address, node_plan, pod_plan
from kubelet.network.reach import Reach, reach_of

logger = logging.getLogger(__name__)

_RESYNC_SECONDS = 10.0
_NO_CIDR = "the node has no pod CIDR yet"


class PodNetwork:
    """Attaches sandboxes to the node's pod network."""

    def __init__(
        self,
        *,
        state_dir: Path,
        cluster_cidrs: Sequence[str] = (),
        backend: Backend = Backend.NONE,
        node_ip: Callable[[], str] = lambda: "",
        mtu: int = 0,
        hairpin: bool = True,
        packet_filter: PacketFilter | None = None,
    ) -> None:
        """`cluster_cidrs`: destinations that pods reach under their own address (the cluster's whole pod range).
        `node_ip` gives where other nodes find this one now, `mtu` that of the pods (0: what fits the underlay).
        `hairpin`: a pod may reach itself through a Service."""
        self._store = AttachmentStore(state_dir)
        self._cluster_cidrs = tuple(cluster_cidrs)
        self._packet_filter = packet_filter or Iptables()
        self.netlink = Netlink()
        self._routes = NodeRoutes(self.netlink, backend, node_ip, mtu)
        self._peers: tuple[Peer, ...] | None = None  #: None: not known yet, so nobody is known to be gone
        self._plan: NodePlan | None = None
        self._hairpin = hairpin
        self._syncing = asyncio.Lock()
        self._host_port_chains: list[str] | None = None  #: those in the kernel; None: not known
        self._loaded_reach: Reach | None = None
        self._trouble: str | None = "the pod network is not started"
        self._addresses = asyncio.Lock()
        self._firewall = asyncio.Lock()
        self._locks: dict[str, asyncio.Lock] = {}

    def not_ready(self) -> str | None:
        """Why pods cannot be attached now, in words for the node's Ready condition; None when they can."""
        return self._trouble

    async def start(self) -> None:
        """Take over what an earlier process left and prepare the node; raises NetworkNotReady naming a setting that
        is wrong and cannot be changed. May be called again."""
        self.netlink.start()
        try:
            await asyncio.to_thread(self._store.load)
            await asyncio.to_thread(sysctl.prepare_node)
        except OSError as error:
            self._trouble = f"the network's state cannot be read: {error}"
            raise NetworkNotReady(self._trouble) from error
        except NetworkNotReady as error:
            self._trouble = str(error)
            raise
        if self._plan is None:
            self._trouble = _NO_CIDR

    async def configure(self, pod_cidr: str, peers: Sequence[Peer] | None = None) -> None:
        """Make links, routes and chains for this node's range, and for the other nodes (None: as known until now). Pods
        attached from an earlier range keep their addresses. Raises NetworkError, and ValueError for a CIDR that is
        none."""
        plan = node_plan(pod_cidr, DEFAULT_MTU, self._hairpin)
        async with self._syncing:
            if peers is not None:
                self._peers = tuple(peers)
            if self._plan is not None and self._plan.pod_cidr == plan.pod_cidr and self._trouble is None:
                await self._sync_routes()  # a node that comes or goes changes the chains hardly ever
                return
            await self._sync(plan)
        logger.info("Pod network is ready", extra={"cidr": plan.pod_cidr, "bridge": BRIDGE, "backend": self.backend})

    async def retire(self) -> bool:
        """Another network takes new pods: the routes to other nodes go now, bridge and chains once no pod is on them;
        whether nothing is left. `configure` brings it back. Raises NetworkError."""
        async with self._syncing:
            self._plan, self._trouble = None, _NO_CIDR
            await self._routes.remove()
            if self._store.all():
                return False
            if not await self.netlink.pod_links():
                await self.netlink.remove_link(BRIDGE)
            await self._remove_chains()
            return True

    async def resync(self) -> None:
        """Put back what someone removed of bridge, routes, chains and jumps (a firewall's restart does), and follow a
        changed MTU of the underlay. Raises NetworkError."""
        async with self._syncing:
            if self._plan is not None:
                await self._sync(self._plan)

    async def resync_routes(self) -> None:
        """`resync`, of the routes to other nodes alone: they go with every link that goes down. Raises NetworkError."""
        async with self._syncing:
            await self._sync_routes()

    async def _sync_routes(self) -> None:
        if self._plan is None or self._peers is None:
            return
        try:
            await self._routes.sync(self._plan.pod_cidr, self._plan.mtu, self._peers)
            if self._loaded_reach not in (None, self._reach(self._plan)):
                await self._sync_firewall()
        except NetworkError as error:
            self._trouble = str(error)
            raise

    def _reach(self, plan: NodePlan) -> Reach:
        unreachable = {problem.node for problem in self.unreachable()}
        peers = [peer for peer in self._peers or () if peer.name not in unreachable]
        return reach_of(self.backend, self._cluster_cidrs, plan.pod_cidr, peers)

    async def _sync(self, wanted: NodePlan) -> None:
        try:
            plan = replace(wanted, mtu=await self._routes.pod_mtu())
            await self.netlink.ensure_bridge(plan, self._ports())
            await asyncio.to_thread(sysctl.prepare_bridge, BRIDGE)
            self._plan = plan
            await self._sync_routes()
            await self._sync_firewall()
        except NetworkError as error:
            self._trouble = str(error)
            raise
        self._trouble = None

    @property
    def backend(self) -> Backend:
        """How other nodes' pods are reached."""
        return self._routes.backend

    def unreachable(self) -> tuple[Problem, ...]:
        """The nodes whose pods cannot be reached, and why."""
        return self._routes.problems

    async def attach(self, pod_uid: str, sandbox_id: str, pid: int, host_ports: Sequence[HostPort] = ()) -> str:
        """Give the sandbox whose process is `pid` its eth0; returns its IPv4 address. Repeating it changes nothing.
        Raises NetworkError (NetworkNotReady before there is a pod CIDR)."""
        async with self._locks.setdefault(sandbox_id, asyncio.Lock()):
            plan = self._plan
            if plan is None:
                raise NetworkNotReady(self._trouble or "the pod network is not ready")
            attachment = await self._reserve(plan, pod_uid, sandbox_id, tuple(host_ports))
            namespace = Path(f"/proc/{pid}/ns/net")
            await self.netlink.ensure_pod_link(pod_plan(sandbox_id, attachment.address, plan), namespace)
            if attachment.host_ports:
                await self._sync_firewall()
            if udp := {port.host_port for port in attachment.host_ports if port.protocol == "UDP"}:
                await self.netlink.forget_udp_flows(udp)
            return attachment.address

    async def detach(self, sandbox_id: str) -> None:
        """Take the sandbox's link, host ports and address back; a sandbox that has none is fine."""
        async with self._locks.setdefault(sandbox_id, asyncio.Lock()):
            attachment = self._store.get(sandbox_id)
            await self.netlink.remove_link(host_link_of(sandbox_id))
            if attachment is not None:
                await asyncio.to_thread(self._store.remove, sandbox_id)
                if attachment.host_ports and self._plan is not None:
                    await self._sync_firewall()
        self._locks.pop(sandbox_id, None)

    def address_of(self, sandbox_id: str) -> str | None:
        """The address of an attached sandbox."""
        attachment = self._store.get(sandbox_id)
        return attachment.address if attachment else None

    async def collect(self, live_sandbox_ids: Collection[str], spare: Collection[str] | None = ()) -> None:
        """Free what belongs to no live sandbox: addresses, host ports, and links that no attachment remembers, `spare`
        excepted (None: the bridge may be another's, all of them). The caller must not attach a sandbox that it has not
        named here while this runs."""
        for attachment in self._store.all():
            if attachment.sandbox_id not in live_sandbox_ids:
                logger.info(
                    "Freed a leaked address", extra={"ip": attachment.address, "sandbox": attachment.sandbox_id}
                )
                await self.detach(attachment.sandbox_id)
        if spare is None:
            return
        known = {host_link_of(attachment.sandbox_id) for attachment in self._store.all()}
        for link in await self.netlink.pod_links():
            if link not in known and link not in spare:
                logger.info("Removed a leaked link", extra={"link": link})
                await self.netlink.remove_link(link)

    async def run(self) -> None:
        """Resync every 30 s, routes every 10 s, until cancelled; trouble is logged and shows in `not_ready`."""
        while True:
            for resync in (self.resync_routes, self.resync_routes, self.resync):
                await asyncio.sleep(_RESYNC_SECONDS)
                try:
                    await resync()
                except NetworkError as error:
                    logger.error("Pod network is in trouble", extra={"error": str(error)})

    async def stop(self) -> None:
        """End the netlink thread. Links, addresses and rules stay: pods go on without the kubelet."""
        await asyncio.to_thread(self.netlink.close)

    async def cleanup(self) -> None:
        """Remove every link, chain and file of ours. For down.sh; no kubelet may run. Raises NetworkError."""
        self.netlink.start()
        await asyncio.to_thread(self._store.load)
        for attachment in self._store.all():
            await self.netlink.remove_link(host_link_of(attachment.sandbox_id))
            await asyncio.to_thread(self._store.remove, attachment.sandbox_id)
        for link in await self.netlink.pod_links():
            await self.netlink.remove_link(link)
        await self.netlink.remove_link(BRIDGE)
        await self._routes.remove()
        await asyncio.to_thread(self._store.delete)
        await self._remove_chains()

    async def _remove_chains(self) -> None:
        self._host_port_chains = None
        try:
            for jump in firewall.JUMPS:
                await self._packet_filter.delete_jump(jump)
            text = firewall.render_cleanup(
                await self._packet_filter.save("nat"), await self._packet_filter.save("filter")
            )
            if text:
                await self._packet_filter.restore(text)
        except IptablesError as error:
            raise NetworkError(str(error)) from error

    async def _reserve(
        self, plan: NodePlan, pod_uid: str, sandbox_id: str, host_ports: tuple[HostPort, ...]
    ) -> Attachment:
        async with self._addresses:
            known = self._store.get(sandbox_id)
            if known is not None and known.host_ports == host_ports:
                return known
            address = known.address if known else next_address(plan, self._addresses_in_use(), self._store.last_address)
            if address is None:
                raise NetworkError(f"no IP addresses available in range set: {plan.pod_cidr}")
            attachment = Attachment(sandbox_id, pod_uid, address, host_ports)
            try:
                await asyncio.to_thread(self._store.put, attachment)
            except OSError as error:
                raise NetworkError(f"the address cannot be reserved: {error}") from error
            return attachment

    def _addresses_in_use(self) -> list[str]:
        return [attachment.address for attachment in self._store.all()]

    def _ports(self) -> dict[str, str]:
        return {host_link_of(attachment.sandbox_id): attachment.address for attachment in self._store.all()}

    async def _sync_firewall(self) -> None:
        async with self._firewall:
            plan = self._plan
            if plan is None:
                return
            attachments = self._store.all()
            reach = self._reach(plan)
            try:
                loaded = self._host_port_chains
                if loaded is None:  # a save lists every Service's chains too: once is enough
                    loaded = firewall.host_port_chains(await self._packet_filter.save("nat"))
                await self._packet_filter.restore(firewall.render(plan, reach, attachments, loaded))
                self._host_port_chains = [firewall.chain_of(a.sandbox_id) for a in attachments if a.host_ports]
                for jump in firewall.JUMPS:
                    await self._packet_filter.ensure_jump(jump)
                self._loaded_reach = reach
            except IptablesError as error:
                self._host_port_chains = None
                raise NetworkError(str(error)) from error
