"""Which pod CIDR a node gets. Pure; `controller.py` writes it into the node's spec."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


class CidrSet:
    """The equal parts of a cluster CIDR, handed out in order and round again, so that a freed part rests a while."""

    def __init__(self, cluster_cidr: str, node_mask_size: int) -> None:
        """Raises ValueError where the mask does not fit into the cluster CIDR."""
        self.cluster = ip_network(cluster_cidr)
        if not self.cluster.prefixlen <= node_mask_size <= self.cluster.max_prefixlen:
            raise ValueError(f"the node mask size /{node_mask_size} does not fit into the cluster CIDR {cluster_cidr}")
        self._mask = node_mask_size
        self._count = 1 << (node_mask_size - self.cluster.prefixlen)
        self._taken: set[int] = set()
        self._next = 0

    def occupy(self, cidr: str) -> None:
        """Take the parts that `cidr` overlaps; one outside of the cluster's CIDR is left alone."""
        for index in self._indexes(cidr):
            self._taken.add(index)

    def release(self, cidr: str) -> None:
        """Give back the parts that `cidr` overlaps."""
        for index in self._indexes(cidr):
            self._taken.discard(index)

    def allocate(self) -> str | None:
        """A free part, taken from now on; None where all are taken."""
        for step in range(self._count):
            index = (self._next + step) % self._count
            if index not in self._taken:
                self._taken.add(index)
                self._next = index + 1
                return str(self._part(index))
        return None

    def _part(self, index: int) -> Network:
        size = 1 << (self.cluster.max_prefixlen - self._mask)
        return ip_network((int(self.cluster.network_address) + index * size, self._mask))

    def _indexes(self, cidr: str) -> Iterator[int]:
        network = ip_network(cidr, strict=False)
        if network.version != self.cluster.version or not network.overlaps(self.cluster):
            return
        shift = self.cluster.max_prefixlen - self._mask
        base = int(self.cluster.network_address)
        first = max(int(network.network_address) - base, 0) >> shift
        last = min(int(network.broadcast_address) - base, (self._count << shift) - 1) >> shift
        yield from range(first, last + 1)
