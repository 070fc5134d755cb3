"""EndpointSlices become endpoints per service port, and the traffic policies choose among them. Pure.

The choice is that of pkg/proxy/topology.go: endpoints that terminate serve only where there are no ready ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object, labels_of, namespace_of
from proxy.rules.model import Endpoint, ServicePort
from proxy.rules.services import of_family

SERVICE_NAME_LABEL = "kubernetes.io/service-name"

#: Endpoints by (port name, protocol).
PortEndpoints = dict[tuple[str, str], tuple[Endpoint, ...]]


def service_of(endpoint_slice: Object) -> str:
    """The "namespace/name" of the slice's Service, "" where it has none."""
    name = labels_of(endpoint_slice).get(SERVICE_NAME_LABEL)
    return f"{namespace_of(endpoint_slice)}/{name}" if name else ""


def is_of_family(endpoint_slice: Object, *, ipv6: bool) -> bool:
    """Whether the slice's addresses are of the family."""
    return bool(endpoint_slice.get("addressType") == ("IPv6" if ipv6 else "IPv4"))


def merge_slices(slices: Iterable[Object], node_name: str, *, ipv6: bool = False) -> PortEndpoints:
    """The endpoints of one Service; an address in several slices counts once, the readiest wins."""
    merged: dict[tuple[str, str], dict[tuple[str, int], Endpoint]] = {}
    for endpoint_slice in slices:
        if not is_of_family(endpoint_slice, ipv6=ipv6):
            continue
        for port in endpoint_slice.get("ports") or ():
            if not port.get("port"):
                continue
            key = (port.get("name") or "", (port.get("protocol") or "TCP").lower())
            found = merged.setdefault(key, {})
            for entry in endpoint_slice.get("endpoints") or ():
                _add(found, entry, int(port["port"]), node_name, ipv6)
    return {key: tuple(sorted(found.values())) for key, found in merged.items()}


def _add(found: dict[tuple[str, int], Endpoint], entry: Object, port: int, node_name: str, ipv6: bool) -> None:
    conditions = entry.get("conditions") or {}
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving")
    # Only the first address of an entry counts: the others are alternatives, as the API says.
    for address in of_family((entry.get("addresses") or ())[:1], ipv6=ipv6):
        endpoint = Endpoint(
            address,
            port,
            ready,
            ready if serving is None else bool(serving),
            bool(conditions.get("terminating")),
            bool(node_name) and entry.get("nodeName") == node_name,
            _zones(entry),
        )
        other = found.get((address, port))
        if other is None or (endpoint.ready, endpoint.serving) > (other.ready, other.serving):
            found[address, port] = endpoint


def _zones(entry: Object) -> tuple[str, ...]:
    hints = (entry.get("hints") or {}).get("forZones") or ()
    return tuple(sorted(hint["name"] for hint in hints if hint.get("name")))


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a service port's traffic may go."""

    cluster: tuple[Endpoint, ...]  #: for policy Cluster
    local: tuple[Endpoint, ...]  #: for policy Local
    any_at_all: bool  #: whether the service has usable endpoints anywhere

    @property
    def reachable(self) -> tuple[Endpoint, ...]:
        """Every endpoint that some traffic goes to."""
        return tuple(dict.fromkeys((*self.cluster, *self.local)))


def choose(port: ServicePort, endpoints: Sequence[Endpoint], zone: str = "") -> Choice:
    """Apply readiness, the traffic policies and, for a node in `zone`, the hints."""
    usable = _usable(endpoints)
    cluster = _of_zone(port, usable, zone) if port.uses_cluster_endpoints else ()
    local = _usable([endpoint for endpoint in endpoints if endpoint.local]) if port.uses_local_endpoints else ()
    return Choice(cluster, local, bool(usable))


def _usable(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    ready = tuple(endpoint for endpoint in endpoints if endpoint.ready)
    return ready or tuple(endpoint for endpoint in endpoints if endpoint.serving and endpoint.terminating)


def _of_zone(port: ServicePort, usable: tuple[Endpoint, ...], zone: str) -> tuple[Endpoint, ...]:
    """Those meant for the node's zone. All of them where that can't be relied on: the Service does not ask for it, the
    node has no zone, a ready endpoint has no hint or none is for this zone, or all endpoints terminate."""
    if not port.topology_hints or not zone or not all(endpoint.ready and endpoint.zones for endpoint in usable):
        return usable
    return tuple(endpoint for endpoint in usable if zone in endpoint.zones) or usable
