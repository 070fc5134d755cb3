"""The networks of this node as one: plugins where a CNI configuration lies, the kubelet's own bridge otherwise.

A sandbox stays with the network that attached it; the choice is for new ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from kubelet.network.backend.peers import Peer, Problem
from kubelet.network.backend.plan import Backend
from kubelet.network.cni.network import CniNetwork
from kubelet.network.errors import NetworkNotReady
from kubelet.network.pod_network import PodNetwork
from kubelet.network.sandbox_request import SandboxRequest

logger = logging.getLogger(__name__)


class NodeNetwork:
    """Attaches sandboxes to whichever network is in force."""

    def __init__(self, own: PodNetwork, *, conf_dir: Path, bin_dirs: Sequence[str], state_dir: Path) -> None:
        """`state_dir`: where the runs of plugins are remembered."""
        self._own = own
        self._cni = CniNetwork(own.netlink, conf_dir=conf_dir, bin_dirs=bin_dirs, state_dir=state_dir)
        self._retired = False

    @property
    def backend(self) -> Backend:
        """How the kubelet reaches other nodes' pods: not at all where plugins do."""
        return Backend.NONE if self._cni.in_force else self._own.backend

    @property
    def plugin(self) -> str:
        """ "cni" where plugins are in force, else ""."""
        return "cni" if self._cni.in_force else ""

    def not_ready(self) -> str | None:
        """Why pods cannot be attached now, in words for the node's Ready condition; None when they can."""
        return self._cni.not_ready() if self._cni.in_force else self._own.not_ready()

    def unreachable(self) -> tuple[Problem, ...]:
        """The nodes whose pods cannot be reached, and why."""
        return () if self._cni.in_force else self._own.unreachable()

    async def start(self) -> None:
        """Take over what an earlier process left. Raises NetworkNotReady. May be called again."""
        await self._own.start()
        try:
            await self._cni.start()
        except OSError as error:
            raise NetworkNotReady(f"the network's state cannot be read: {error}") from error

    async def configure(self, pod_cidr: str, peers: Sequence[Peer] | None) -> bool:
        """This is the node's range ("": none yet) and these are the others (None: not known yet); whether pods can be
        attached now. Raises NetworkError, and ValueError for a range that is none."""
        self._cni.pod_cidr = pod_cidr
        if self._cni.in_force:
            if not self._retired:
                self._retired = await self._own.retire()
                logger.info("The pod network is that of the CNI configuration")
            return self._cni.not_ready() is None
        self._retired = False
        if not pod_cidr:
            return False
        await self._own.configure(pod_cidr, peers)
        return True

    async def attach(self, request: SandboxRequest) -> str:
        """Give the sandbox its eth0; returns its address. Repeating it changes nothing. Raises NetworkError."""
        own = self._own.address_of(request.sandbox_id)
        if own is not None and self._cni.in_force:
            return own
        if self._cni.in_force or self._cni.knows(request.sandbox_id):
            return await self._cni.attach(request)
        return await self._own.attach(request.pod_uid, request.sandbox_id, request.pid, request.host_ports)

    async def detach(self, sandbox_id: str) -> None:
        """Take it back; a sandbox that has none is fine. Raises NetworkError."""
        if self._cni.knows(sandbox_id):
            await self._cni.detach(sandbox_id)
        else:
            await self._own.detach(sandbox_id)

    async def collect(self, live_sandbox_ids: Collection[str]) -> None:
        """Free what belongs to no live sandbox. The caller must not attach one that it has not named here while this
        runs. Raises NetworkError."""
        try:
            await self._cni.collect(live_sandbox_ids)
        finally:
            spare = None if self._cni.in_force else self._cni.host_links()
            await self._own.collect(live_sandbox_ids, spare)
        if self._cni.in_force and not self._retired:
            self._retired = await self._own.retire()

    async def run(self) -> None:
        """Put back what someone removed of the kubelet's own network, until cancelled."""
        await self._own.run()

    async def run_configuration(self, changed: Callable[[], None]) -> None:
        """Look for another CNI configuration until cancelled; `changed` is called when it is another."""
        await self._cni.directory.run(changed)

    async def stop(self) -> None:
        """Pods go on without the kubelet."""
        await self._own.stop()

    async def cleanup(self) -> None:
        """Remove everything, of plugins too. For down.sh; no kubelet may run. Raises NetworkError and OSError."""
        await self._own.cleanup()
        await self._cni.cleanup()
