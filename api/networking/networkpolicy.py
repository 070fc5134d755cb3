"""NetworkPolicies: defaults, rules, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.gosyntax import named_strings
from api.kind import Column
from api.strategies import GenerationStrategy
from api.table import AGE, NAME, age, format_label_selector
from api.validation import names
from api.validation.labelselector import validate_label_selector
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (NAME, Column(name="Pod-Selector", description="The pods the policy is about."), AGE)
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")
_NOT_CIDR = "not a valid CIDR"


class NetworkPolicyStrategy(GenerationStrategy):
    """Who may talk to whom."""

    def default(self, obj: Object) -> None:
        """About ingress, and about egress where it says something of it; ports are TCP."""
        spec = obj.setdefault("spec", {"podSelector": {}})
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction) or ():
                for port in rule.get("ports") or ():
                    port.setdefault("protocol", "TCP")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateNetworkPolicy."""
        spec = obj["spec"]
        errors = validate_label_selector(spec.get("podSelector"), "spec.podSelector")
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate(spec.get(direction) or ()):
                path = f"spec.{direction}[{index}]"
                for i, port in enumerate(rule.get("ports") or ()):
                    errors += _validate_port(port, f"{path}.ports[{i}]")
                for i, peer in enumerate(rule.get(peers) or ()):
                    errors += _validate_peer(peer, f"{path}.{peers}[{i}]")
        types = spec.get("policyTypes") or []
        if len(types) > len(_TYPES):
            shown = named_strings("networking.PolicyType", types)
            errors.append(fe.invalid("spec.policyTypes", shown, "may not specify more than two policyTypes"))
            return errors
        errors += [
            fe.not_supported(f"spec.policyTypes[{index}]", kind, _TYPES)
            for index, kind in enumerate(types)
            if kind not in _TYPES
        ]
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateNetworkPolicy and ValidateNetworkPolicyUpdate, so that every cause is told twice."""
        return self.validate(new) * 2


def _validate_port(port: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    protocol, number, last = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in _PROTOCOLS:
        errors.append(fe.not_supported(f"{path}.protocol", protocol, _PROTOCOLS))
    if isinstance(number, int):
        errors.extend(fe.invalid(f"{path}.port", number, text) for text in names.port_number(number))
        if last is not None:
            if last < number:
                errors.append(fe.invalid(f"{path}.endPort", number, "must be greater than or equal to `port`"))
            errors.extend(fe.invalid(f"{path}.endPort", last, text) for text in names.port_number(last))
    elif number is not None:
        if last is not None:
            text = "may not be specified when `port` is non-numeric"
            errors.append(fe.invalid(f"{path}.endPort", last, text))
        errors.extend(fe.invalid(f"{path}.port", number, text) for text in names.port_name(number))
    elif last is not None:
        errors.append(fe.invalid(f"{path}.endPort", last, "may not be specified when `port` is not specified"))
    return errors


def _validate_peer(peer: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    given = [field for field in ("podSelector", "namespaceSelector", "ipBlock") if field in peer]
    for field in given[: len(given) - ("ipBlock" in peer)]:
        errors += validate_label_selector(peer[field], f"{path}.{field}")
    if "ipBlock" in peer:
        errors += _validate_block(peer["ipBlock"], f"{path}.ipBlock")
    if not given:
        errors.append(fe.required(path, "must specify a peer"))
    elif len(given) > 1 and "ipBlock" in peer:
        errors.append(fe.forbidden(path, "may not specify both ipBlock and another peer"))
    return errors


def _validate_block(block: Mapping[str, Any], path: str) -> list[FieldError]:
    cidr = block.get("cidr") or ""
    if not cidr:
        return [fe.required(f"{path}.cidr")]
    network = names.parse_cidr(cidr)
    if network is None:
        return [fe.invalid(f"{path}.cidr", cidr, _NOT_CIDR)]
    errors: list[FieldError] = []
    for index, text in enumerate(block.get("except") or ()):
        part, here = names.parse_cidr(text), f"{path}.except[{index}]"
        if part is None:
            return [*errors, fe.invalid(here, text, _NOT_CIDR)]
        if not _strictly_inside(part, network):
            errors.append(fe.invalid(here, text, "must be a strict subset of `cidr`"))
    return errors


def _strictly_inside(part: names.IPNetwork, whole: names.IPNetwork) -> bool:
    """Whether the network is a smaller part of the whole."""
    if part.version != whole.version or part.prefixlen <= whole.prefixlen:
        return False
    return part.network_address in whole


def cells(policy: Object, now: datetime) -> list[Any]:
    """One row."""
    selector = (policy.get("spec") or {}).get("podSelector") or {}
    return [policy["metadata"].get("name"), format_label_selector(selector), age(policy, now)]


NETWORK_POLICY = NetworkPolicyStrategy()
