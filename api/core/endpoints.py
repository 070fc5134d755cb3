"""Endpoints: defaults, rules, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.addresses import validate_non_special_ip
from api.core.pod.containers import PROTOCOLS
from api.kind import Column, Strategy
from api.table import AGE, NAME, NONE, age
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Endpoints", description="The first few addresses with their ports."),
    AGE,
)
#: How many addresses a row shows.
_SHOWN = 3


class EndpointsStrategy(Strategy):
    """Endpoints of a service; a PUT makes those that are not there."""

    allow_create_on_update = True
    checks_metadata_anew = True

    def default(self, obj: Object) -> None:
        """Ports are TCP."""
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port.setdefault("protocol", "TCP")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateEndpoints."""
        errors: list[FieldError] = []
        for index, subset in enumerate(obj.get("subsets") or ()):
            _validate_subset(subset, f"subsets[{index}]", errors)
        return errors


def _validate_subset(subset: Mapping[str, Any], path: str, errors: list[FieldError]) -> None:
    if not subset.get("addresses") and not subset.get("notReadyAddresses"):
        errors.append(fe.required(path, "must specify `addresses` or `notReadyAddresses`"))
    for field in ("addresses", "notReadyAddresses"):
        for index, address in enumerate(subset.get(field) or ()):
            _validate_address(address, f"{path}.{field}[{index}]", errors)
    ports = subset.get("ports") or ()
    for index, port in enumerate(ports):
        validate_endpoint_port(port, len(ports) > 1, f"{path}.ports[{index}]", errors)


def _validate_address(address: Mapping[str, Any], path: str, errors: list[FieldError]) -> None:
    text = address.get("ip") or ""
    errors.extend(fe.invalid(f"{path}.ip", text, problem) for problem in names.ip_address(text))
    if host := address.get("hostname"):
        errors.extend(fe.invalid(f"{path}.hostname", host, problem) for problem in names.dns1123_label(host))
    node = address.get("nodeName")
    if node is not None:
        errors.extend(fe.invalid(f"{path}.nodeName", node, problem) for problem in names.dns1123_subdomain(node))
    errors += validate_non_special_ip(text, f"{path}.ip")


def validate_endpoint_port(port: Mapping[str, Any], named: bool, path: str, errors: list[FieldError]) -> None:
    """One port of a subset; `named`: a name is needed to tell it from others."""
    name, number, protocol = port.get("name") or "", port.get("port") or 0, port.get("protocol") or ""
    if named and not name:
        errors.append(fe.required(f"{path}.name"))
    elif name:
        errors.extend(fe.invalid(f"{path}.name", name, text) for text in names.dns1123_label(name))
    errors.extend(fe.invalid(f"{path}.port", number, text) for text in names.port_number(number))
    if protocol not in PROTOCOLS:
        field = f"{path}.protocol"
        errors.append(fe.not_supported(field, protocol, PROTOCOLS) if protocol else fe.required(field))
    application = port.get("appProtocol")
    if application is not None:
        field = f"{path}.appProtocol"
        errors.extend(fe.invalid(field, application, text) for text in names.qualified_name(application))


def _address_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _listed(subset: Mapping[str, Any]) -> Sequence[str]:
    addresses = [address.get("ip") or "" for address in subset.get("addresses") or ()]
    ports = subset.get("ports") or ()
    if not ports:
        return addresses
    return [_address_port(address, port.get("port") or 0) for port in ports for address in addresses]


def cells(endpoints: Object, now: datetime) -> list[Any]:
    """One row."""
    listed = [text for subset in endpoints.get("subsets") or () for text in _listed(subset)]
    shown = ",".join(listed[:_SHOWN])
    if len(listed) > _SHOWN:
        shown += f" + {len(listed) - _SHOWN} more..."
    return [endpoints["metadata"].get("name"), shown or NONE, age(endpoints, now)]


ENDPOINTS = EndpointsStrategy()
