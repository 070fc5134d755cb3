"""What a replica writes about itself, and which replicas are dead. Pure.

Every replica has an EndpointSlice of its own in the Service, so none writes what another wrote, and a Lease of the
same name that it renews. Clocks of different machines are never compared: a replica is dead when its Lease did not
change for its length while our own renewals were answered all that time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from api.resources import ENDPOINT_SLICES, LEASES
from apimachinery.objects import Object, labels_of, name_of
from dns.zone.model import SERVICE_NAME_LABEL, dashed

MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
MANAGER = "kube-dns"
LEASE_SECONDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One kube-dns process, by what clients reach it at. No other process can have the same address and port."""

    address: str
    port: int
    metrics_port: int = 0  #: 0: metrics are not served to others
    node_name: str = ""
    namespace: str = "kube-system"
    service: str = "kube-dns"
    #: Not the Service's: who may write all Leases there could take the lead from the controller manager.
    lease_namespace: str = "kube-dns-lease"

    @property
    def name(self) -> str:
        """The name of its slice and its Lease."""
        return f"{self.service}-{dashed(self.address)}-{self.port}"


def wanted_slice(replica: Replica) -> Object:
    """The replica's EndpointSlice."""
    endpoint: Object = {
        "addresses": [replica.address],
        "conditions": {"ready": True, "serving": True, "terminating": False},
    }
    if replica.node_name:
        endpoint["nodeName"] = replica.node_name
    ports = [
        {"name": "dns", "protocol": "UDP", "port": replica.port},
        {"name": "dns-tcp", "protocol": "TCP", "port": replica.port},
    ]
    if replica.metrics_port:
        ports.append({"name": "metrics", "protocol": "TCP", "port": replica.metrics_port})
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {"name": replica.name, "namespace": replica.namespace, "labels": _labels(replica)},
        "addressType": "IPv6" if ":" in replica.address else "IPv4",
        "endpoints": [endpoint],
        "ports": ports,
    }


def wanted_lease(replica: Replica, now: str) -> Object:
    """The replica's Lease, renewed at `now` (RFC 3339 with microseconds)."""
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {"name": replica.name, "namespace": replica.lease_namespace, "labels": _labels(replica)},
        "spec": {"holderIdentity": replica.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now},
    }


def selector(service: str) -> str:
    """The label selector of all replicas' slices and Leases."""
    return f"{SERVICE_NAME_LABEL}={service},{MANAGED_BY_LABEL}={MANAGER}"


def merged(current: Object | None, wanted: Object) -> Object | None:
    """What to write so that `current` says what is wanted; None where it does. Labels of others stay."""
    if current is None:
        return wanted
    labels = labels_of(current) | labels_of(wanted)
    fields = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind", "metadata")}
    if labels == labels_of(current) and all(current.get(key) == value for key, value in fields.items()):
        return None
    return current | fields | {"metadata": current["metadata"] | {"labels": labels}}


@dataclass(slots=True)
class Observations:
    """Since when each Lease has been what it is now, by our own clock (seconds)."""

    since: dict[str, tuple[str, float]] = field(default_factory=dict)
    renewing_since: float | None = None  #: since when our own renewals were answered without a break

    def renewed(self, now: float) -> None:
        """Our own renewal was answered."""
        if self.renewing_since is None:
            self.renewing_since = now

    def failed(self) -> None:
        """Our own renewal was not answered: the others may be as deaf, and nobody's silence means anything."""
        self.renewing_since = None

    def dead(self, names: Iterable[str], leases: Mapping[str, Object], now: float) -> list[str]:
        """Those of the replicas `names` that renewed nothing for too long. `leases` by name."""
        found = []
        seen = {}
        for name in names:
            lease = leases.get(name)
            version = lease["metadata"].get("resourceVersion", "") if lease is not None else ""
            known = self.since.get(name)
            seen[name] = known if known is not None and known[0] == version else (version, now)
            length = LEASE_SECONDS
            if lease is not None:
                length = (lease.get("spec") or {}).get("leaseDurationSeconds") or LEASE_SECONDS
            silent_since = seen[name][1]
            if self.renewing_since is not None and now - max(silent_since, self.renewing_since) > length:
                found.append(name)
        self.since = seen
        return found


def replica_names(slices: Iterable[Object], leases: Iterable[Object], own: str) -> set[str]:
    """The other replicas: whoever has a slice or a Lease."""
    return {name_of(found) for found in (*slices, *leases)} - {own}


def _labels(replica: Replica) -> dict[str, str]:
    return {SERVICE_NAME_LABEL: replica.service, MANAGED_BY_LABEL: MANAGER}
