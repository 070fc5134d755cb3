"""From a question to an answer out of the zone. Pure.

The names are those of the Kubernetes DNS-Based Service Discovery specification 1.1.0; what it leaves open is as in
CoreDNS: an endpoint without a hostname is named by its address, a headless Service without a ready endpoint does not
exist, and a Service's own name has its SRV records too."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Literal

from dns.zone.model import Endpoint, Port, ServiceRecords, canonical
from dns.zone.records import (
    ADDRESS_TYPES,
    CNAME,
    NOERROR,
    NS,
    NXDOMAIN,
    PTR,
    SOA,
    SRV,
    TXT,
    Answer,
    Record,
    Soa,
    Srv,
    address_record,
    of_type,
)
from dns.zone.zone import Zone

SPECIFICATION = "1.1.0"
PodRecords = Literal["disabled", "insecure", "verified"]
Labels = tuple[str, ...]

_SRV_WEIGHT_SUM = 100
_PROTOCOLS = ("_tcp", "_udp", "_sctp")


class Lookup:
    """Answers of one zone."""

    def __init__(self, zone: Zone, *, pods: PodRecords = "insecure", negative_ttl_seconds: int = 30) -> None:
        self.zone = zone
        self._pods = pods
        self._negative_ttl = negative_ttl_seconds

    def owns(self, labels: Labels) -> bool:
        """Whether the name is in the zone, so that nobody else may answer for it."""
        return labels[-len(self.zone.labels) :] == self.zone.labels

    def answer(self, labels: Labels, qtype: int) -> Answer | None:
        """The answer for a name (its labels in lower case); None where others know: a name outside the zone, or the
        name of an address that is not ours."""
        if self.owns(labels):
            return self._finish(self._in_zone(labels[: -len(self.zone.labels)]), qtype)
        if labels[-1:] == ("arpa",):
            names = self._reverse(labels)
            return self._finish(names, qtype) if names else None
        return None

    def soa(self) -> Record:
        """The zone's SOA record."""
        domain = self.zone.domain
        soa = Soa(f"ns.dns.{domain}", f"hostmaster.{domain}", self.zone.serial, minimum=self._negative_ttl)
        return Record(domain, SOA, soa)

    def _finish(self, records: list[Record] | None, qtype: int) -> Answer:
        """All records of a name to the answer for one type; None: there is no such name."""
        if records is None:
            return Answer(NXDOMAIN, authority=(self.soa(),))
        alias = next((record for record in records if record.type == CNAME), None)
        if alias is not None:
            chase = str(alias.data) if qtype in ADDRESS_TYPES else ""
            return Answer(NOERROR, (alias,), chase=chase)
        found = of_type(records, qtype)
        if not found:
            return Answer(NOERROR, authority=(self.soa(),))
        return Answer(NOERROR, found, additional=tuple(self._targets(found)))

    def _targets(self, records: Iterable[Record]) -> Iterable[Record]:
        """The addresses of SRV targets, each once."""
        targets = dict.fromkeys(record.data.target for record in records if isinstance(record.data, Srv))
        for target in targets:
            rest = tuple(target.split("."))[: -len(self.zone.labels)]
            for record in self._in_zone(rest) or ():
                if record.type in ADDRESS_TYPES:
                    yield Record(target, record.type, record.data)

    def _in_zone(self, rest: Labels) -> list[Record] | None:
        """All records of REST.domain; an empty list for a name that only has names below it."""
        if not rest:
            return [self.soa(), Record("", NS, f"ns.dns.{self.zone.domain}")]
        if rest == ("dns-version",):
            return [Record("", TXT, SPECIFICATION)]
        if rest[-1] == "dns":
            return self._own_addresses(rest[:-1])
        if rest[-1] == "svc":
            return self._services(rest[:-1])
        if rest[-1] == "pod" and self._pods != "disabled":
            return self._pod(rest[:-1])
        return None

    def _own_addresses(self, rest: Labels) -> list[Record] | None:
        if not rest:
            return []
        if rest != ("ns",):
            return None
        namespace, _, name = self.zone.dns_service.partition("/")
        service = self.zone.service(namespace, name)
        return [address_record("", address) for address in service.cluster_ips] if service else []

    def _services(self, rest: Labels) -> list[Record] | None:
        if not rest:
            return []
        if len(rest) == 1:
            return [] if self.zone.has_namespace(rest[0]) else None
        *before, name, namespace = rest
        service = self.zone.service(namespace, name)
        if service is None:
            return None
        if service.external_name:
            return None if before or not _is_name(service.external_name) else _alias(service.external_name)
        if not before:
            return self._service(service)
        if len(before) == 1:
            return self._below_service(service, before[0])
        if len(before) == 2 and before[0].startswith("_") and before[1] in _PROTOCOLS:
            return self._srv(service, before[0][1:], before[1][1:]) or None
        return None

    def _service(self, service: ServiceRecords) -> list[Record] | None:
        addresses = [endpoint.address for endpoint in service.endpoints] if service.headless else service.cluster_ips
        if service.headless and not addresses:
            return None
        return [address_record("", address) for address in dict.fromkeys(addresses)] + self._srv(service)

    def _below_service(self, service: ServiceRecords, label: str) -> list[Record] | None:
        endpoints = [endpoint for endpoint in service.endpoints if endpoint.hostname == label]
        if endpoints:
            addresses = [address_record("", address) for address in dict.fromkeys(one.address for one in endpoints)]
            return addresses + self._endpoint_srv(service, endpoints)
        if label in _PROTOCOLS and any(f"_{port.protocol}" == label for port in _ports(service)):
            return []
        return None

    def _srv(self, service: ServiceRecords, port: str = "", protocol: str = "") -> list[Record]:
        """SRV records of all ports, or of the one with that name and protocol."""
        if service.headless:
            return self._endpoint_srv(service, service.endpoints, port, protocol)
        if not service.cluster_ips:
            return []
        wanted = [found for found in service.ports if _matches(found, port, protocol)]
        weight = max(1, _SRV_WEIGHT_SUM // max(1, len(wanted)))
        target = self._name_of(service)
        return [Record("", SRV, Srv(0, weight, found.number, target)) for found in wanted]

    def _endpoint_srv(
        self, service: ServiceRecords, endpoints: Iterable[Endpoint], port: str = "", protocol: str = ""
    ) -> list[Record]:
        wanted = dict.fromkeys(
            (found.number, f"{endpoint.hostname}.{self._name_of(service)}")
            for endpoint in endpoints
            for found in endpoint.ports
            if _matches(found, port, protocol)
        )
        weight = max(1, _SRV_WEIGHT_SUM // max(1, len(wanted)))
        return [Record("", SRV, Srv(0, weight, number, target)) for number, target in wanted]

    def _pod(self, rest: Labels) -> list[Record] | None:
        if not rest:
            return []
        namespace = rest[-1]
        if not self.zone.has_namespace(namespace):
            return None
        if len(rest) == 1:
            return []
        address = _undashed(rest[0])
        if len(rest) != 2 or not address:
            return None
        if self._pods == "verified" and not self.zone.has_pod(namespace, address):
            return None
        return [address_record("", address)]

    def _reverse(self, labels: Labels) -> list[Record] | None:
        address = reverse_address(labels)
        if not address:
            return None
        service = self.zone.service_of_cluster_ip(address)
        if service is not None:
            return [Record("", PTR, self._name_of(service))]
        names = dict.fromkeys(
            f"{endpoint.hostname}.{self._name_of(found)}"
            for found in self.zone.services_of_endpoint(address)
            for endpoint in found.endpoints
            if endpoint.address == address
        )
        return [Record("", PTR, name) for name in names]

    def _name_of(self, service: ServiceRecords) -> str:
        return f"{service.name}.{service.namespace}.svc.{self.zone.domain}"


def reverse_address(labels: Labels) -> str:
    """The address that a name below in-addr.arpa or ip6.arpa stands for; "" where it is no whole one."""
    try:
        if labels[-2:] == ("in-addr", "arpa") and len(labels) == 6:
            return str(ipaddress.IPv4Address(".".join(labels[3::-1])))
        if labels[-2:] == ("ip6", "arpa") and len(labels) == 34 and all(len(label) == 1 for label in labels[:32]):
            nibbles = "".join(labels[31::-1])
            return str(ipaddress.IPv6Address(":".join(nibbles[at : at + 4] for at in range(0, 32, 4))))
    except ValueError:
        return ""
    return ""


def _alias(target: str) -> list[Record]:
    return [Record("", CNAME, target.rstrip(".").lower())]


def _is_name(target: str) -> bool:
    """An ExternalName that is an address has no record: a CNAME to it would lead nowhere."""
    try:
        ipaddress.ip_address(target)
    except ValueError:
        return True
    return False


def _matches(found: Port, port: str, protocol: str) -> bool:
    return not protocol or (bool(port) and found.name == port and found.protocol == protocol)


def _ports(service: ServiceRecords) -> Iterable[Port]:
    if not service.headless:
        return service.ports
    return dict.fromkeys(port for endpoint in service.endpoints for port in endpoint.ports)


def _undashed(label: str) -> str:
    """10-244-1-5 to 10.244.1.5, 2001-db8--1 to 2001:db8::1; "" where it is no address."""
    for separator in (".", ":"):
        address = canonical(label.replace("-", separator))
        if separator in address and "-" not in address:
            try:
                return str(ipaddress.ip_address(address))
            except ValueError:
                continue
    return ""
