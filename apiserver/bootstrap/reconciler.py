"""Writes the bootstrap objects: once at start, and the system namespaces and own endpoint again and again.

Every API server holds a Lease named after its address as long as it lives; the addresses whose leases are current are
the endpoints of the `kubernetes` Service (the reference keeps the same under masterleases/)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.resources import CLUSTER_ROLES, ENDPOINT_SLICES, ENDPOINTS, LEASES, ROLES, SERVICES
from apimachinery.errors import AlreadyExists, ApiError, Conflict, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, format_micro_time, name_of, namespace_of, uid_of
from apiserver.bootstrap import apiservices, flow, kubernetesservice, policy, system
from apiserver.bootstrap.rbacreconcile import reconciled_binding, reconciled_role
from apiserver.interfaces import Loopback

logger = logging.getLogger(__name__)
_LEASE_LABEL = "mini.kubernetes.io/apiserver-endpoint"
_LEASE_SECONDS = 15
_RECONCILE_SECONDS = 10.0
_TRIES = 5
_AT_ONCE = 32
_CLOSE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapConfig:
    """Where this API server is reached."""

    advertise_address: str
    service_cluster_ip: str  #: the first address of --service-cluster-ip-range
    secure_port: int = 6443
    service_port: int = 443
    node_port: int = 0  #: --kubernetes-service-node-port
    rbac: bool = True  #: whether the default roles are wanted
    policies: bool = False  #: whether ValidatingAdmissionPolicies are in force
    authentication: Mapping[str, str] = field(default_factory=dict)  #: what aggregated servers must know to trust us


class Bootstrap:
    """The bootstrap objects of one API server."""

    def __init__(self, config: BootstrapConfig, loopback: Loopback) -> None:
        self._config = config
        self._api = loopback
        self._renewals: dict[str, tuple[str, float]] = {}  #: address: its lease's renewTime, and when we first saw that

    async def ensure(self) -> None:
        """Create what is missing; before the server says it is ready. Raises ApiError where that does not work."""
        await self._create_missing(system.namespaces())
        if self._config.rbac:
            await self._reconcile_policy()
        await self._create_missing(system.priority_classes())
        await self._reconcile_flow()
        await self._create_missing(apiservices.objects())
        await self._publish_authentication()
        await self._create_missing([system.token_tracking(datetime.now(UTC).strftime("%Y-%m-%d"))])
        await self._try_reconcile_service()

    async def run(self) -> None:
        """Keep namespaces and the service's endpoints as they have to be, until cancelled."""
        while True:
            await asyncio.sleep(_RECONCILE_SECONDS)
            try:
                await self._create_missing(system.namespaces())
                await self._reconcile_flow()
            except ApiError as error:
                logger.warning("Could not keep the system's own objects", extra={"error": error.message})
            await self._try_reconcile_service()

    async def close(self) -> None:
        """Take our own address out of the service's endpoints."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._api.delete(LEASES, "kube-system", self._lease_name)
                await self._reconcile_endpoints(await self._living() - {self._config.advertise_address})
        except (ApiError, TimeoutError) as error:
            logger.info("Could not withdraw our endpoint", extra={"error": str(error)})

    async def _reconcile_flow(self) -> None:
        await self._create_missing(flow.objects())
        for resource, wanted in flow.objects():
            existing = self._api.get(resource, "", name_of(wanted))
            mended = flow.reconciled(existing, wanted) if existing is not None else None
            if mended is not None:
                await self._update(resource, mended)

    async def _publish_authentication(self) -> None:
        """Tell extension servers by which CAs and headers requests are authenticated."""
        if not self._config.authentication:
            return
        resource, wanted = system.authentication(dict(self._config.authentication))
        existing = self._api.get(resource, namespace_of(wanted), name_of(wanted))
        if existing is None:
            await self._create(resource, wanted)
        elif any((existing.get("data") or {}).get(key) != value for key, value in wanted["data"].items()):
            await self._update(resource, {**existing, "data": {**(existing.get("data") or {}), **wanted["data"]}})

    async def _create_missing(self, wanted: Iterable[tuple[Resource, Object]]) -> None:
        missing = [
            (resource, obj)
            for resource, obj in wanted
            if self._api.get(resource, namespace_of(obj), name_of(obj)) is None
        ]
        # Together, so that a store that makes each write wait for its disk makes them wait once.
        for start in range(0, len(missing), _AT_ONCE):
            await asyncio.gather(*(self._create(*item) for item in missing[start : start + _AT_ONCE]))

    async def _create(self, resource: Resource, obj: Object) -> None:
        try:
            await self._api.create(resource, obj)
        except AlreadyExists:
            # Another API server was quicker, or our cache lags behind.
            logger.debug("Exists already", extra={"resource": resource.plural, "object": name_of(obj)})

    async def _reconcile_policy(self) -> None:
        defaults = tuple(policy.objects(policies=self._config.policies))
        await self._create_missing(defaults)
        for resource, wanted in defaults:
            existing = self._api.get(resource, namespace_of(wanted), name_of(wanted))
            if existing is None:
                continue  # made this moment
            if resource in (CLUSTER_ROLES, ROLES):
                role = reconciled_role(existing, wanted)
                if role is not None:
                    await self._update(resource, role)
            else:
                await self._reconcile_binding(resource, existing, wanted)

    async def _reconcile_binding(self, resource: Resource, existing: Object, wanted: Object) -> None:
        action, binding = reconciled_binding(existing, wanted)
        if action == "update":
            await self._update(resource, binding)
        elif action == "replace":
            await self._api.delete(resource, namespace_of(existing), name_of(existing), uid=uid_of(existing))
            await self._create(resource, binding)

    async def _update(self, resource: Resource, obj: Object) -> None:
        try:
            await self._api.update(resource, obj)
        except Conflict:
            # Somebody changed it this moment; the next start looks again.
            logger.info("Left as another changed it", extra={"resource": resource.plural, "object": name_of(obj)})

    # The kubernetes service

    async def _try_reconcile_service(self) -> None:
        """The server is of use without it (an advertised address of the loopback range, say, cannot be an endpoint)."""
        try:
            await self._reconcile_service()
        except ApiError as error:
            logger.error("Could not reconcile the kubernetes service", extra={"error": error.message})

    async def _reconcile_service(self) -> None:
        config = self._config
        wanted = kubernetesservice.service(
            config.service_cluster_ip, config.service_port, config.secure_port, config.node_port
        )
        existing = self._api.get(SERVICES, kubernetesservice.NAMESPACE, kubernetesservice.NAME)
        if existing is None:
            await self._create(SERVICES, wanted)
        elif kubernetesservice.service_port_differs(existing, wanted):
            await self._update(SERVICES, {**existing, "spec": {**existing["spec"], "ports": wanted["spec"]["ports"]}})
        await self._renew_lease()
        await self._reconcile_endpoints(await self._living() | {config.advertise_address})

    @property
    def _lease_name(self) -> str:
        return f"apiserver-endpoint-{self._config.advertise_address.replace(':', '-')}"

    async def _renew_lease(self) -> None:
        now = format_micro_time(datetime.now(UTC))
        spec = {
            "holderIdentity": self._config.advertise_address,
            "leaseDurationSeconds": _LEASE_SECONDS,
            "renewTime": now,
        }

        def wanted(existing: Object | None) -> Object:
            if existing is not None:
                return {**existing, "spec": {**(existing.get("spec") or {}), **spec}}
            metadata = {"name": self._lease_name, "namespace": "kube-system", "labels": {_LEASE_LABEL: "true"}}
            return {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}

        await self._write(LEASES, "kube-system", self._lease_name, wanted)

    async def _living(self) -> set[str]:
        """The addresses whose leases are current: renewed within their length by our own clock, since clocks of other
        machines may differ."""
        now = asyncio.get_running_loop().time()
        leases = [item for item in self._api.list(LEASES, "kube-system")
                  if (item["metadata"].get("labels") or {}).get(_LEASE_LABEL) == "true"]  # fmt: skip
        renewals = {spec.get("holderIdentity") or "": spec.get("renewTime") or ""
                    for spec in (lease.get("spec") or {} for lease in leases)}  # fmt: skip
        seen = self._renewals
        self._renewals = {
            address: seen[address] if address in seen and seen[address][0] == renewed else (renewed, now)
            for address, renewed in renewals.items()
        }
        return {address for address, (_, at) in self._renewals.items() if now - at < _LEASE_SECONDS}

    async def _reconcile_endpoints(self, addresses: set[str]) -> None:
        port = self._config.secure_port
        names = sorted(addresses)
        for resource, wanted in (
            (ENDPOINTS, kubernetesservice.endpoints(names, port)),
            (ENDPOINT_SLICES, kubernetesservice.endpoint_slice(names, port)),
        ):
            existing = self._api.get(resource, kubernetesservice.NAMESPACE, kubernetesservice.NAME)
            if existing is not None and kubernetesservice.same_endpoints(existing, wanted):
                continue
            await self._write(
                resource, kubernetesservice.NAMESPACE, kubernetesservice.NAME, _replacing(wanted)
            )  # fmt: skip

    async def _write(
        self, resource: Resource, namespace: str, name: str, wanted: Callable[[Object | None], Object]
    ) -> None:
        """Create or replace, seen from the object as it is now; tried again when another writes at the same time."""
        for attempt in range(_TRIES):
            existing = await self._api.get_live(resource, namespace, name)
            try:
                if existing is None:
                    await self._api.create(resource, wanted(None))
                else:
                    await self._api.update(resource, wanted(existing))
            except (AlreadyExists, Conflict, NotFound):
                if attempt == _TRIES - 1:
                    raise
                continue
            return


def _replacing(wanted: Object) -> Callable[[Object | None], Object]:
    def build(existing: Object | None) -> Object:
        if existing is None:
            return wanted
        labels = {**(existing["metadata"].get("labels") or {}), **wanted["metadata"]["labels"]}
        return {**wanted, "metadata": {**existing["metadata"], "labels": labels}}

    return build
