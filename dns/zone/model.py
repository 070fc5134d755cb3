"""What the zone needs of a Service: its addresses, ports and endpoints. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from apimachinery.objects import Object, labels_of, name_of, namespace_of

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
_ADDRESS_FAMILIES = ("IPv4", "IPv6")


@dataclass(frozen=True, slots=True)
class Port:
    """A named or unnamed port; the protocol is in lower case, as it stands in SRV names."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One ready address of a service. `hostname` is its label below the service's name."""

    address: str
    hostname: str
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class ServiceRecords:
    """One Service. Exactly one of `cluster_ips`, `external_name` and `headless` is set, or none where it still waits
    for its cluster IP."""

    namespace: str
    name: str
    cluster_ips: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    external_name: str = ""
    headless: bool = False
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def key(self) -> str:
        """ "namespace/name"."""
        return f"{self.namespace}/{self.name}"


def service_records(service: Object, slices: Iterable[Object]) -> ServiceRecords:
    """The Service with the ready endpoints of its slices, each once, in a stable order."""
    spec = service["spec"]
    namespace, name = namespace_of(service), name_of(service)
    if spec.get("type") == "ExternalName":
        return ServiceRecords(namespace, name, external_name=spec.get("externalName") or "")
    cluster_ips = tuple(spec.get("clusterIPs") or [spec.get("clusterIP") or ""])
    headless = "None" in cluster_ips
    return ServiceRecords(
        namespace,
        name,
        cluster_ips=() if headless else tuple(canonical(address) for address in cluster_ips if address),
        ports=tuple(_port(port, port.get("port") or 0) for port in spec.get("ports") or ()),
        headless=headless,
        endpoints=_endpoints(slices),
    )


def service_key(endpoint_slice: Object) -> str:
    """The "namespace/name" of the slice's Service; "" where it names none."""
    name = labels_of(endpoint_slice).get(SERVICE_NAME_LABEL)
    return f"{namespace_of(endpoint_slice)}/{name}" if name else ""


def canonical(address: str) -> str:
    """An IP address in its one text form; what is none comes back as it is."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def dashed(address: str) -> str:
    """An address as one label: 10-244-1-5, 2001-db8--1."""
    return address.replace(".", "-").replace(":", "-")


def _port(port: Object, number: int) -> Port:
    return Port(port.get("name") or "", (port.get("protocol") or "TCP").lower(), number)


def _endpoints(slices: Iterable[Object]) -> tuple[Endpoint, ...]:
    found: dict[tuple[str, str], Endpoint] = {}
    for current in slices:
        if current.get("addressType") not in _ADDRESS_FAMILIES:
            continue
        ports = tuple(_port(port, port.get("port") or 0) for port in current.get("ports") or ())
        for entry in current.get("endpoints") or ():
            # Unset counts as ready. Where the Service publishes addresses that are not ready, the slice says ready.
            if (entry.get("conditions") or {}).get("ready") is False:
                continue
            for address in map(canonical, entry.get("addresses") or ()):
                hostname = (entry.get("hostname") or dashed(address)).lower()
                known = found.get((address, hostname))
                merged = ports if known is None else tuple(dict.fromkeys((*known.ports, *ports)))
                found[address, hostname] = Endpoint(address, hostname, merged)
    return tuple(found[key] for key in sorted(found))
