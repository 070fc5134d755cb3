"""EndpointSlices: defaults, rules, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.addresses import validate_non_special_ip
from api.core.pod.containers import PROTOCOLS
from api.kind import Column
from api.strategies import GenerationStrategy, bump_generation
from api.table import AGE, NAME, UNSET, age
from api.validation import names
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, labels_of

COLUMNS = (
    NAME,
    Column(name="AddressType", description="What the addresses are."),
    Column(name="Ports", description="The first few ports."),
    Column(name="Endpoints", description="The first few addresses."),
    AGE,
)
_TYPES = ("FQDN", "IPv4", "IPv6")
_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS, _MAX_HINTS = 1000, 100, 20000, 8
_SHOWN = 3


class EndpointSliceStrategy(GenerationStrategy):
    """Part of a service's endpoints."""

    def default(self, obj: Object) -> None:
        """Ports are TCP and have an empty name."""
        for port in obj.get("ports") or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")

    def prepare_create(self, obj: Object) -> None:
        """Without what only v1beta1 knew."""
        super().prepare_create(obj)
        _drop_topology(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Labels, which choose the service, count for the generation too."""
        super().prepare_update(new, old)
        if labels_of(new) != labels_of(old):
            bump_generation(new, old, changed=True)
        _drop_topology(new)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateEndpointSlice."""
        kind = obj.get("addressType") or ""
        errors: list[FieldError] = []
        if kind not in _TYPES:
            errors.append(fe.not_supported("addressType", kind, _TYPES) if kind else fe.required("addressType"))
        endpoints = obj.get("endpoints") or ()
        if len(endpoints) > _MAX_ENDPOINTS:
            errors.append(fe.too_many("endpoints", len(endpoints), _MAX_ENDPOINTS))
        else:
            for index, endpoint in enumerate(endpoints):
                _validate_endpoint(endpoint, kind, f"endpoints[{index}]", errors)
        return errors + _validate_ports(obj.get("ports") or ())

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateEndpointSliceUpdate: the kind of addresses stays."""
        errors = self.validate(new)
        if new.get("addressType") != old.get("addressType"):
            errors.append(fe.invalid("addressType", new.get("addressType") or "", FIELD_IMMUTABLE))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Names instead of addresses are on their way out."""
        if old is None and obj.get("addressType") == "FQDN":
            return ["spec.addressType: FQDN endpoints are deprecated"]
        return []


def _drop_topology(obj: Object) -> None:
    for endpoint in obj.get("endpoints") or ():
        endpoint.pop("deprecatedTopology", None)


def _validate_endpoint(endpoint: Mapping[str, Any], kind: str, path: str, errors: list[FieldError]) -> None:
    addresses = endpoint.get("addresses") or ()
    if not addresses:
        errors.append(fe.required(f"{path}.addresses", "must contain at least 1 address"))
    elif len(addresses) > _MAX_ADDRESSES:
        errors.append(fe.too_many(f"{path}.addresses", len(addresses), _MAX_ADDRESSES))
    for index, address in enumerate(addresses):
        errors += _validate_address(address, kind, f"{path}.addresses[{index}]")
    node, host = endpoint.get("nodeName"), endpoint.get("hostname")
    if node is not None:
        errors.extend(fe.invalid(f"{path}.nodeName", node, text) for text in names.dns1123_subdomain(node))
    if host is not None:
        errors.extend(fe.invalid(f"{path}.hostname", host, text) for text in names.dns1123_label(host))
    zones = (endpoint.get("hints") or {}).get("forZones") or ()
    if len(zones) > _MAX_HINTS:
        errors.append(fe.too_many(f"{path}.hints.forZones", len(zones), _MAX_HINTS))
        return
    seen: set[str] = set()
    for index, zone in enumerate(zones):
        name, here = zone.get("name") or "", f"{path}.hints.forZones[{index}].name"
        if name in seen:
            errors.append(fe.duplicate(here, name))
        seen.add(name)
        errors.extend(fe.invalid(here, name, text) for text in names.label_value(name))


def _validate_address(address: str, kind: str, path: str) -> list[FieldError]:
    if kind == "FQDN":
        return _validate_domain(address, path)
    if kind not in ("IPv4", "IPv6"):
        return []
    parsed = names.parse_ip(address)
    errors = []
    if parsed is None or f"IPv{parsed.version}" != kind:
        errors.append(fe.invalid(path, address, f"must be a valid {kind} address"))
    return errors + validate_non_special_ip(address, path)


def _validate_domain(name: str, path: str) -> list[FieldError]:
    if not name:
        return [fe.required(path)]
    name = name.removesuffix(".")
    if problems := names.dns1123_subdomain(name):
        return [fe.invalid(path, name, ",".join(problems))]
    labels = name.split(".")
    if len(labels) < 2:
        return [fe.invalid(path, name, "should be a domain with at least two segments separated by dots")]
    for label in labels:
        if problems := names.dns1123_label(label):
            return [fe.invalid(path, label, ",".join(problems))]
    return []


def _validate_ports(ports: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    if len(ports) > _MAX_PORTS:
        return [fe.too_many("ports", len(ports), _MAX_PORTS)]
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here, name, protocol = f"ports[{index}]", port.get("name") or "", port.get("protocol")
        if name:
            errors.extend(fe.invalid(f"{here}.name", name, text) for text in names.dns1123_label(name))
        if name in seen:
            errors.append(fe.duplicate(f"{here}.name", name))
        seen.add(name)
        if protocol is None:
            errors.append(fe.required(f"{here}.protocol"))
        elif protocol not in PROTOCOLS:
            errors.append(fe.not_supported(f"{here}.protocol", protocol, PROTOCOLS))
        application = port.get("appProtocol")
        if application is not None:
            field = f"{here}.appProtocol"
            errors.extend(fe.invalid(field, application, text) for text in names.qualified_name(application))
    return errors


def _few(listed: Sequence[str]) -> str:
    if not listed:
        return UNSET
    more = f" + {len(listed) - _SHOWN} more..." if len(listed) > _SHOWN else ""
    return ",".join(listed[:_SHOWN]) + more


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    ports = [str(port["port"]) if "port" in port else port.get("name", "*") for port in obj.get("ports") or ()]
    addresses = [address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    kind = obj.get("addressType") or ""
    return [obj["metadata"].get("name"), kind, _few(ports), _few(addresses), age(obj, now)]


ENDPOINT_SLICE = EndpointSliceStrategy()
