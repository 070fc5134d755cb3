"""Cluster IPs and node ports of Services: `ServiceAllocator` plans what each write of one takes and gives back."""

from apiserver.allocation.allocator import ServiceAllocator

__all__ = ["ServiceAllocator"]
