"""Services: defaults, what a change of type clears, rules, status. Pure.

Cluster IPs and node ports are given out by the API server's allocation when the Service is stored."""

from __future__ import annotations

from typing import Any

from api.core.addresses import validate_load_balancer_status
from api.core.service.clusterips import normalize, validate_cluster_ips_update
from api.core.service.validation import validate_service
from api.core.service.warnings import service_warnings
from api.strategies import StatusStrategy, StatusStrategyBase
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

#: How long a client sticks to its endpoint, in seconds.
AFFINITY_SECONDS = 10800
_WITH_ADDRESS = ("ClusterIP", "LoadBalancer", "NodePort")
_WITH_NODE_PORT = ("LoadBalancer", "NodePort")


class ServiceStrategy(StatusStrategyBase):
    """The Service itself; a PUT makes one that is not there."""

    allow_create_on_update = True
    checks_metadata_anew = True
    empty_status = {"loadBalancer": {}}

    def default(self, obj: Object) -> None:
        """SetDefaults_Service."""
        spec = obj.setdefault("spec", {})
        affinity = spec.setdefault("sessionAffinity", "None")
        if affinity == "None":
            spec.pop("sessionAffinityConfig", None)
        elif affinity == "ClientIP":
            config = spec.get("sessionAffinityConfig") or {}
            client = config.get("clientIP") or {}
            client.setdefault("timeoutSeconds", AFFINITY_SECONDS)
            spec["sessionAffinityConfig"] = {**config, "clientIP": client}
        kind = spec.setdefault("type", "ClusterIP")
        for port in spec.get("ports") or ():
            port.setdefault("protocol", "TCP")
            if not port.get("targetPort"):
                port["targetPort"] = port.get("port")
        if kind in _WITH_NODE_PORT:
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if kind in _WITH_ADDRESS:
            spec.setdefault("internalTrafficPolicy", "Cluster")
        if kind == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)

    def prepare_create(self, obj: Object) -> None:
        """No status; one address in both its fields."""
        super().prepare_create(obj)
        normalize(obj["spec"], None)

    def prepare_update(self, new: Object, old: Object) -> None:
        """The status stays; addresses agree; what the new type has no use for goes."""
        super().prepare_update(new, old)
        normalize(new["spec"], old["spec"])
        _patch_allocated(new["spec"], old["spec"])
        _drop_type_dependent(new["spec"], old["spec"])
        if new["spec"].get("type") != "LoadBalancer" and (new.get("status") or {}).get("loadBalancer"):
            # A load balancer takes a while to go, which its users need not know.
            new["status"] = {**new["status"], "loadBalancer": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateServiceCreate."""
        return validate_service(obj)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateServiceUpdate."""
        after, before = new["spec"], old["spec"]
        errors = validate_cluster_ips_update(after, before)
        if after.get("type") == before.get("type") == "LoadBalancer":
            name = after.get("loadBalancerClass")
            if name != before.get("loadBalancerClass"):
                errors.append(fe.invalid("spec.loadBalancerClass", name, "may not change once set"))
        if _has_health_check(after) and _has_health_check(before):
            port = after.get("healthCheckNodePort")
            if port and port != before.get("healthCheckNodePort"):
                errors.append(fe.forbidden("spec.healthCheckNodePort", "field is immutable"))
        return errors + validate_service(new)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Old annotations, addresses in odd notations, fields without effect."""
        return service_warnings(obj)

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """A DNS-1035 label."""
        return names.dns1035_label(name, prefix)


def _patch_allocated(new: dict[str, Any], old: dict[str, Any]) -> None:
    """A replacement that names no addresses keeps the ones the Service has."""
    if new.get("type") not in _WITH_ADDRESS or old.get("type") not in _WITH_ADDRESS:
        return
    if not new.get("clusterIP") and "clusterIP" in old:
        new["clusterIP"] = old["clusterIP"]
    if not new.get("clusterIPs") and new.get("clusterIP") == old.get("clusterIP") and "clusterIPs" in old:
        new["clusterIPs"] = old["clusterIPs"]
    for field in ("ipFamilies", "ipFamilyPolicy"):
        if field not in new and field in old:
            new[field] = old[field]


def _has_health_check(spec: dict[str, Any]) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _drop_type_dependent(new: dict[str, Any], old: dict[str, Any]) -> None:
    """What only the old type needed goes, unless this very write changed it."""
    after, before = new.get("type"), old.get("type")
    gone: list[str] = []
    if before in _WITH_ADDRESS and after not in _WITH_ADDRESS:
        if not new.get("clusterIP"):
            new.pop("clusterIP", None)
        elif all(new.get(field) == old.get(field) for field in ("clusterIP", "clusterIPs")):
            del new["clusterIP"], new["clusterIPs"]
        gone += ["ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"]
    if before in _WITH_NODE_PORT and after not in _WITH_NODE_PORT:
        gone.append("externalTrafficPolicy")
        if _node_ports(new) <= _node_ports(old):
            for port in new.get("ports") or ():
                port.pop("nodePort", None)
    if _has_health_check(old) and not _has_health_check(new):
        gone.append("healthCheckNodePort")
    if before == "LoadBalancer" and after != "LoadBalancer":
        gone += ["allocateLoadBalancerNodePorts", "loadBalancerClass"]
    for field in gone:
        if new.get(field) == old.get(field):
            new.pop(field, None)


def _node_ports(spec: dict[str, Any]) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


class ServiceStatusStrategy(StatusStrategy):
    """services/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateServiceStatusUpdate."""
        balancer = (new.get("status") or {}).get("loadBalancer") or {}
        return validate_load_balancer_status(balancer, "status.loadBalancer")


SERVICE = ServiceStrategy()
SERVICE_STATUS = ServiceStatusStrategy(SERVICE)
