"""What a Service holds of the cluster's addresses and ports, and how the missing ones are filled in.

Pure. The rules are those of k8s.io/kubernetes/pkg/registry/core/service/storage (alloc.go): address families by policy,
one cluster IP per family, a node port per port where the type asks for one. `allocator.py` stores what is decided."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from apimachinery import errors, fielderrors
from apimachinery.errors import InternalError
from apimachinery.fielderrors import FieldError, GoSyntax, go_quote
from apimachinery.objects import Object, name_of
from apiserver.allocation.plan import AddressRange, Full, PortRange, Refused

NONE = "None"
_BEFORE_DRY_RUN_PORTS = 32768  #: a dry run counts its node ports from here, as the reference does
_SINGLE, _PREFER, _REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"


@dataclass(frozen=True, slots=True)
class Held:
    """The values one Service occupies."""

    addresses: frozenset[str]
    ports: frozenset[str]


def held_by(service: Object | None) -> Held:
    """What the Service as it is written occupies (nothing for None)."""
    spec = (service or {}).get("spec") or {}
    addresses = [] if spec.get("type") == "ExternalName" else cluster_ips(spec)
    ports = {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}
    if spec.get("healthCheckNodePort"):
        ports.add(spec["healthCheckNodePort"])
    return Held(
        frozenset(str(ipaddress.ip_address(ip)) for ip in addresses if ip and ip != NONE), frozenset(map(str, ports))
    )


def cluster_ips(spec: Mapping[str, Any]) -> list[str]:
    """spec.clusterIPs, or the one of spec.clusterIP."""
    listed: list[str] = spec.get("clusterIPs") or []
    return listed or ([spec["clusterIP"]] if spec.get("clusterIP") else [])


def carry_over(new: Object, old: Object) -> None:
    """What an update may leave out because the old Service has it: cluster IPs, families, node ports."""
    spec, before = new["spec"], old.get("spec") or {}
    if _is_external(spec) or _is_external(before):
        return
    if not spec.get("clusterIP") and not spec.get("clusterIPs"):
        for field in ("clusterIP", "clusterIPs"):
            if before.get(field):
                spec[field] = before[field]
    if _wants_node_ports(spec) and _wants_node_ports(before):
        # By name: whatever else of a port has changed, it is the same one to its clients.
        known = {port.get("name") or "": port.get("nodePort") for port in before.get("ports") or ()}
        taken = {port.get("nodePort") for port in spec.get("ports") or ()}
        for port in spec.get("ports") or ():
            earlier = known.get(port.get("name") or "")
            if not port.get("nodePort") and earlier and earlier not in taken:
                port["nodePort"] = earlier
    if _wants_health_port(spec) and _wants_health_port(before) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = before.get("healthCheckNodePort")


@dataclass(frozen=True, slots=True)
class Supply:
    """What can be given out: a range per address family (the primary one first), the ports, what others hold."""

    addresses: Sequence[AddressRange]
    ports: PortRange
    used_addresses: Container[str]
    used_ports: Container[str]
    dry_run: bool = False  #: nothing will be taken: what is chosen stands for any free value

    def choose_address(self, family: AddressRange, rng: Random) -> str:
        """A free address, in a dry run the network's own; raises `Full`."""
        return str(family.network.network_address) if self.dry_run else family.choose(self.used_addresses, rng)

    def choose_port(self, taken: Collection[str], rng: Random) -> int:
        """A free port that is not `taken` by the same Service, in a dry run the next one; raises `Full`."""
        if self.dry_run:
            return max(map(int, taken), default=_BEFORE_DRY_RUN_PORTS) + 1
        return self.ports.choose(_Either(self.used_ports, taken), rng)


def fill_in(service: Object, old: Held, supply: Supply, rng: Random) -> None:
    """Give the Service (changed in place) its families, cluster IPs and node ports; what `old` holds is its own.

    Raises ApiError in the reference's words."""
    spec = service["spec"]
    if _is_external(spec):
        return
    problems = settle_families(spec, [found.family for found in supply.addresses])
    if problems:
        raise errors.invalid("", "Service", name_of(service), problems)
    if NONE not in cluster_ips(spec)[:1]:
        _fill_addresses(service, old, supply, rng)
    else:
        spec["clusterIP"], spec["clusterIPs"] = NONE, [NONE]
    _fill_ports(service, old, supply, rng)


def settle_families(spec: dict[str, Any], configured: Sequence[str]) -> list[FieldError]:
    """Fill in spec.ipFamilyPolicy and spec.ipFamilies, from what is asked for and what the cluster has."""
    families: list[str] = list(spec.get("ipFamilies") or ())
    listed = cluster_ips(spec)
    headless = listed[:1] == [NONE]
    for address in listed[len(families) :]:
        if address != NONE and ":" in address:
            families.append("IPv6")
        elif address != NONE:
            families.append("IPv4")
    if headless and not spec.get("selector"):
        _settle_selectorless(spec, families, configured)
        return []
    policy = spec.get("ipFamilyPolicy") or (_REQUIRE if len(listed) == 2 or len(families) == 2 else _SINGLE)
    problems = []
    if policy == _REQUIRE and len(configured) < 2:
        text = "this cluster is not configured for dual-stack services"
        problems.append(fielderrors.invalid("spec.ipFamilyPolicy", policy, text))
    for index, family in enumerate(families):
        if family not in configured and family in ("IPv4", "IPv6"):
            text = "not configured on this cluster"
            problems.append(fielderrors.invalid(f"spec.ipFamilies[{index}]", family, text))
    if problems:
        return problems
    if not families:
        families.append(configured[0])
    if policy != _SINGLE and len(families) == 1:
        families.extend([family for family in configured if family not in families][:1])
    spec["ipFamilyPolicy"], spec["ipFamilies"] = policy, families
    return []


def _settle_selectorless(spec: dict[str, Any], families: list[str], configured: Sequence[str]) -> None:
    """A headless Service without selector has whatever addresses its endpoints have: every family is fine."""
    policy = spec.get("ipFamilyPolicy") or _REQUIRE
    families = families or [configured[0]]
    if policy != _SINGLE and len(families) == 1:
        families.append("IPv6" if families[0] == "IPv4" else "IPv4")
    spec["ipFamilyPolicy"], spec["ipFamilies"] = policy, families


def _fill_addresses(service: Object, old: Held, supply: Supply, rng: Random) -> None:
    spec = service["spec"]
    asked = cluster_ips(spec)
    ranges = {found.family: found for found in supply.addresses}
    given: list[str] = []
    for index, family in enumerate(spec["ipFamilies"]):
        if index < len(asked) and asked[index]:
            given.append(_asked_address(service, asked, asked[index], ranges[family], old, supply))
            continue
        try:
            given.append(supply.choose_address(ranges[family], rng))
        except Full as error:
            raise InternalError(
                f"Internal error occurred: failed to allocate a serviceIP: {error}",
                details={"causes": [{"message": f"failed to allocate a serviceIP: {error}"}]},
            ) from error
    spec["clusterIP"], spec["clusterIPs"] = given[0], given


def _asked_address(
    service: Object, asked: Sequence[str], address: str, wanted: AddressRange, old: Held, supply: Supply
) -> str:
    try:
        if str(ipaddress.ip_address(address)) in old.addresses:
            return address
        wanted.check(address, supply.used_addresses)
    except (Refused, ValueError) as error:
        shown = GoSyntax("[]string{" + ", ".join(map(go_quote, asked)) + "}")
        text = f"failed to allocate IP {address}: {error}"
        problem = fielderrors.invalid("spec.clusterIPs", shown, text)
        raise errors.invalid("", "Service", name_of(service), [problem]) from error
    return address


def _fill_ports(service: Object, old: Held, supply: Supply, rng: Random) -> None:
    spec = service["spec"]
    if not _may_have_node_ports(spec):
        return
    taken: set[str] = set()  # by this Service
    by_port: dict[int, int] = {}  # port -> node port: protocols of one port share it
    for index, port in enumerate(spec.get("ports") or ()):
        asked = port.get("nodePort") or 0
        if not asked and not _wants_node_ports(spec):
            continue
        shared = by_port.get(port["port"], 0)
        if not asked and shared and not _clashes(spec["ports"], port, shared):
            port["nodePort"] = shared
            continue
        if asked and str(asked) not in taken and str(asked) not in old.ports:
            try:
                supply.ports.check(asked, supply.used_ports)
            except Refused as error:
                problem = fielderrors.invalid(f"spec.ports[{index}].nodePort", asked, str(error))
                raise errors.invalid("", "Service", name_of(service), [problem]) from error
        if not asked:
            asked = port["nodePort"] = _free_port(service, index, supply, taken, rng)
        taken.add(str(asked))
        by_port.setdefault(port["port"], asked)
    _fill_health_port(spec, old, supply, taken, rng)


def _clashes(ports: Sequence[Mapping[str, Any]], port: Mapping[str, Any], node_port: int) -> bool:
    """Whether another port of the same protocol has this node port."""
    return any(
        other is not port and other.get("nodePort") == node_port and other.get("protocol") == port.get("protocol")
        for other in ports
    )


def _free_port(service: Object, index: int, supply: Supply, taken: Collection[str], rng: Random) -> int:
    try:
        return supply.choose_port(taken, rng)
    except Full as error:
        # The reference calls this an internal error of the field.
        problem = fielderrors.internal(f"spec.ports[{index}].nodePort", f"failed to allocate a nodePort: {error}")
        raise errors.invalid("", "Service", name_of(service), [problem]) from error


def _fill_health_port(spec: dict[str, Any], old: Held, supply: Supply, taken: Collection[str], rng: Random) -> None:
    if not _wants_health_port(spec):
        return
    asked = spec.get("healthCheckNodePort")
    try:
        if not asked:
            spec["healthCheckNodePort"] = supply.choose_port(taken, rng)
        elif str(asked) not in old.ports:
            supply.ports.check(asked, _Either(supply.used_ports, taken))
    except Full as error:
        raise InternalError(f"Internal error occurred: failed to allocate a HealthCheck NodePort: {error}") from error
    except Refused as error:
        text = f"failed to allocate requested HealthCheck NodePort {asked}: {error}"
        raise InternalError(f"Internal error occurred: {text}") from error


class _Either:
    """What is in one of two containers."""

    def __init__(self, one: Container[str], other: Container[str]) -> None:
        self._one = one
        self._other = other

    def __contains__(self, value: object) -> bool:
        return value in self._one or value in self._other


def _is_external(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") == "ExternalName"


def _may_have_node_ports(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def _wants_node_ports(spec: Mapping[str, Any]) -> bool:
    if spec.get("type") == "LoadBalancer":
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort"


def _wants_health_port(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"
