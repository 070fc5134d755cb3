"""Follow this node: its Node object and, with --nodeport-addresses, the host's addresses. What of them shapes the rules
goes to the proxiers, whether the node may get new traffic to the health server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from client.informer import Informer
from proxy.healthz import ProxyHealth, is_eligible
from proxy.localaddresses import local_addresses
from proxy.nodesettings import node_settings
from proxy.options import ProxyOptions
from proxy.proxier import Proxier
from proxy.rules.model import NodeSettings

logger = logging.getLogger(__name__)
#: At the latest so often, and with each sync period, the host's addresses are read.
_LOOK_SECONDS = 10.0
_DRAINING_GATE = "KubeProxyDrainingTerminatingNodes"


class NodeWatch:
    """Keeps proxiers told. `settings` are those of one family as far as they are known now."""

    def __init__(self, options: ProxyOptions, nodes: Informer, node_name: str) -> None:
        self._options, self._nodes, self._node_name = options, nodes, node_name
        self._addresses: list[str] = []
        self._changed = asyncio.Event()
        gates = options.feature_gates
        self._draining = gates.get(_DRAINING_GATE, gates.get("AllAlpha", False))
        nodes.on_change(lambda old, new: self._changed.set())

    def settings(self, *, ipv6: bool) -> NodeSettings:
        """What shapes the rules of that family now."""
        return node_settings(self._options, self._nodes.store.get(self._node_name), self._addresses, ipv6=ipv6)

    async def start(self) -> None:
        """Return once the Node, if there is one, and the addresses are known."""
        await self._nodes.wait_synced()
        await self._look()

    async def run(self, proxiers: Sequence[Proxier], health: ProxyHealth) -> None:
        """Tell of changes until cancelled."""
        period = min(_LOOK_SECONDS, self._options.iptables_sync_period) if self._options.nodeport_addresses else None
        while True:
            self._changed.clear()
            for proxier in proxiers:
                proxier.use_node(self.settings(ipv6=proxier.ipv6))
            node = self._nodes.store.get(self._node_name)
            health.eligible = not self._draining or node is None or is_eligible(node)
            try:
                async with asyncio.timeout(period):
                    await self._changed.wait()
            except TimeoutError:
                await self._look()

    async def _look(self) -> None:
        if not self._options.nodeport_addresses:
            return
        try:
            addresses = [*await local_addresses(), *await local_addresses(ipv6=True)]
        except (OSError, TimeoutError) as error:
            logger.error("Cannot read the host's addresses: node ports stay as they are", extra={"error": str(error)})
            return
        changed, self._addresses = addresses != self._addresses, addresses
        if changed and self.settings(ipv6=False).node_port_addresses == ():
            ranges = ",".join(self._options.nodeport_addresses)
            logger.warning("No local address serves node ports now", extra={"nodeport_addresses": ranges})
