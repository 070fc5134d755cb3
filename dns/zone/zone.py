"""Everything the API says about the zone, indexed for questions. Pure: who watches the API puts it in."""

from __future__ import annotations

from collections.abc import Collection

from dns.zone.model import ServiceRecords, canonical


class Zone:
    """Services, namespaces and pods of one cluster. `version` grows with every change that an answer could show."""

    def __init__(self, domain: str, *, dns_service: str = "kube-system/kube-dns") -> None:
        self.domain = domain
        self.labels = tuple(domain.split("."))
        self.dns_service = dns_service
        self.version = 0
        self.serial = 1  #: of the SOA; seconds since 1970 at the last change
        self._services: dict[str, ServiceRecords] = {}
        self._namespaces: set[str] = set()
        self._by_cluster_ip: dict[str, str] = {}
        self._by_endpoint: dict[str, set[str]] = {}
        self._pods: dict[str, set[tuple[str, str]]] = {}
        self._pod_addresses: dict[str, tuple[str, ...]] = {}

    def service(self, namespace: str, name: str) -> ServiceRecords | None:
        """The Service of that name."""
        return self._services.get(f"{namespace}/{name}")

    def has_namespace(self, namespace: str) -> bool:
        """Whether there is such a Namespace."""
        return namespace in self._namespaces

    def service_of_cluster_ip(self, address: str) -> ServiceRecords | None:
        """Whose cluster IP this is."""
        return self._services.get(self._by_cluster_ip.get(address, ""))

    def services_of_endpoint(self, address: str) -> list[ServiceRecords]:
        """The Services that have this endpoint, by name."""
        return [self._services[key] for key in sorted(self._by_endpoint.get(address, ()))]

    def has_pod(self, namespace: str, address: str) -> bool:
        """Whether a pod of the namespace has this address."""
        return any(owner == namespace for owner, _ in self._pods.get(address, ()))

    def put_service(self, key: str, records: ServiceRecords | None, *, now: int) -> None:
        """Take in a Service as it is now; None: it is gone. `now` in seconds since 1970."""
        old = self._services.get(key)
        if old == records:
            return
        if old is not None:
            self._forget(key, old)
        if records is not None:
            self._services[key] = records
            for address in records.cluster_ips:
                self._by_cluster_ip[address] = key
            for endpoint in records.endpoints:
                self._by_endpoint.setdefault(endpoint.address, set()).add(key)
        self._changed(now)

    def put_namespace(self, name: str, *, present: bool, now: int) -> None:
        """Take in that a Namespace is there, or gone."""
        if present == (name in self._namespaces):
            return
        (self._namespaces.add if present else self._namespaces.discard)(name)
        self._changed(now)

    def put_pod(self, namespace: str, name: str, addresses: Collection[str], *, now: int) -> None:
        """Take in a pod's addresses; none: it is gone, or has none of its own."""
        key = f"{namespace}/{name}"
        wanted = tuple(sorted({canonical(address) for address in addresses}))
        had = self._pod_addresses.get(key, ())
        if wanted == had:
            return
        for address in had:
            owners = self._pods[address]
            owners.discard((namespace, name))
            if not owners:
                del self._pods[address]
        for address in wanted:
            self._pods.setdefault(address, set()).add((namespace, name))
        if wanted:
            self._pod_addresses[key] = wanted
        else:
            self._pod_addresses.pop(key, None)
        self._changed(now)

    def _forget(self, key: str, old: ServiceRecords) -> None:
        del self._services[key]
        for address in old.cluster_ips:
            # A successor with the same address may have come first.
            if self._by_cluster_ip.get(address) == key:
                del self._by_cluster_ip[address]
        for endpoint in old.endpoints:
            owners = self._by_endpoint.get(endpoint.address)
            if owners is not None:
                owners.discard(key)
                if not owners:
                    del self._by_endpoint[endpoint.address]

    def _changed(self, now: int) -> None:
        self.version += 1
        self.serial = max(self.serial, now)
