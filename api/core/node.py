"""Nodes: rules, status, table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.pod.affinity import EFFECTS
from api.core.resourcenames import validate_quantity_value
from api.core.rounding import round_up_each
from api.gosyntax import raw, string_list
from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase, restore
from api.table import AGE, NAME, NONE, UNKNOWN, age
from api.validation import names
from api.validation.objectmeta import validate_label_name
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, labels_of

COLUMNS = (
    NAME,
    Column(name="Status", description="Whether the node is ready, and whether pods may be scheduled onto it."),
    Column(name="Roles", description="The roles given by node-role labels."),
    AGE,
    Column(name="Version", description="The kubelet's version."),
    Column(name="Internal-IP", priority=1, description="The address inside the cluster."),
    Column(name="External-IP", priority=1, description="The address outside the cluster."),
    Column(name="OS-Image", priority=1, description="The operating system."),
    Column(name="Kernel-Version", priority=1, description="The kernel."),
    Column(name="Container-Runtime", priority=1, description="What runs the containers."),
)
_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"
_POD_CIDR = 'node updates may not change podCIDR except from "" to valid'
_EMPTY_INFO = (
    "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion",
    "kubeProxyVersion", "operatingSystem", "architecture",
)  # fmt: skip
_OLD_FIELDS = {
    "configSource": "spec.configSource: the feature is removed",
    "externalID": "spec.externalID: this field is deprecated, and is unused by Kubernetes",
}
EMPTY_STATUS: Mapping[str, Any] = {
    "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
    "nodeInfo": dict.fromkeys(_EMPTY_INFO, ""),
}


class NodeStrategy(StatusStrategyBase):
    """The node itself; a creator may say its status, which is how kubelets register."""

    def default(self, obj: Object) -> None:
        """Allocatable defaults to capacity; podCIDR is the first of podCIDRs, and right where the two disagree."""
        spec, status = obj.setdefault("spec", {}), obj.setdefault("status", {})
        round_up_each(status, "capacity", "allocatable")
        if "capacity" in status and "allocatable" not in status:
            status["allocatable"] = dict(status["capacity"])
        for field, value in EMPTY_STATUS.items():
            if field not in status:
                status[field] = dict(value)
        ranges = spec.get("podCIDRs")
        if spec.get("podCIDR") and (not ranges or spec["podCIDR"] != ranges[0]):
            spec["podCIDRs"] = [spec["podCIDR"]]
        elif ranges and not spec.get("podCIDR"):
            spec["podCIDR"] = ranges[0]

    def prepare_create(self, obj: Object) -> None:
        """Nothing is dropped."""

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Fields that nothing reads any more."""
        spec = obj.get("spec") or {}
        return [text for field, text in _OLD_FIELDS.items() if spec.get(field)]

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateNode."""
        spec = obj.get("spec") or {}
        errors = validate_taints(spec.get("taints") or (), "metadata.taints")
        errors += _validate_resources(obj.get("status") or {})
        return errors + _validate_ranges(spec.get("podCIDRs") or [])

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateNodeUpdate."""
        errors = validate_node_update(new, old)
        spec, before = new.get("spec") or {}, old.get("spec") or {}
        if before.get("podCIDRs") == spec.get("podCIDRs"):
            return errors
        return errors if before.get("podCIDRs") else errors + _validate_ranges(spec.get("podCIDRs") or [])


class NodeStatusStrategy(StatusStrategy):
    """nodes/status, written by the kubelet."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """The spec stays."""
        super().prepare_update(new, old)
        restore(new, old, "spec")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateNodeUpdate."""
        return validate_node_update(new, old)


def validate_node_update(new: Object, old: Object) -> list[FieldError]:
    """What every write to a node keeps to."""
    spec, before, status = new.get("spec") or {}, old.get("spec") or {}, new.get("status") or {}
    errors = _validate_resources(status)
    seen = []
    for index, address in enumerate(status.get("addresses") or ()):
        if address in seen:
            shown = ", ".join(
                f"{key.capitalize()}:{fe.go_quote(address.get(key) or '')}" for key in ("type", "address")
            )
            errors.append(fe.duplicate(f"status.addresses[{index}]", raw(f"core.NodeAddress{{{shown}}}")))
        seen.append(address)
    earlier = before.get("podCIDRs") or []
    if earlier and spec.get("podCIDRs") != earlier:
        errors.append(fe.forbidden("spec.podCIDRs", _POD_CIDR))
    if before.get("providerID") and before["providerID"] != spec.get("providerID"):
        text = 'node updates may not change providerID except from "" to valid'
        errors.append(fe.forbidden("spec.providerID", text))
    if (spec.get("externalID") or "") != (before.get("externalID") or ""):
        errors.append(fe.forbidden("spec.externalID", "may not be updated"))
    return errors + validate_taints(spec.get("taints") or (), "metadata.taints")


def validate_taints(taints: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    """Taints have valid parts and are unique by key and effect."""
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        here, key, effect = f"{path}[{index}]", taint.get("key") or "", taint.get("effect") or ""
        errors += validate_label_name(key, f"{here}.key")
        value = taint.get("value") or ""
        if problems := names.label_value(value):
            errors.append(fe.invalid(f"{here}.value", value, ";".join(problems)))
        if effect not in EFFECTS:
            field = f"{here}.effect"
            errors.append(fe.not_supported(field, effect, EFFECTS) if effect else fe.required(field))
        if (key, effect) in seen:
            shown = (
                f"core.Taint{{Key:{fe.go_quote(key)}, Value:{fe.go_quote(value)}, "
                f"Effect:{fe.go_quote(effect)}, TimeAdded:<nil>}}"
            )
            text = f"{fe.duplicate(here, raw(shown)).text}: taints must be unique by key and effect pair"
            errors.append(FieldError("FieldValueDuplicate", here, text))
        seen.add((key, effect))
    return errors


def _validate_resources(status: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for kind in ("capacity", "allocatable"):
        for name, text in (status.get(kind) or {}).items():
            errors += validate_quantity_value(name, text, f"status.{kind}.{name}")
    return errors


def _validate_ranges(ranges: Sequence[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    shown = raw(string_list(ranges))
    parsed = [names.parse_cidr(text) for text in ranges]
    for index, network in enumerate(parsed):
        if network is None:
            errors.append(fe.invalid(f"spec.podCIDRs[{index}]", shown, "must be valid CIDR"))
    if len(ranges) < 2:
        return errors
    if None in parsed:
        text = "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR address"
        errors.append(fe.internal("spec.podCIDRs", text))
    families = {network.version for network in parsed if network}
    if len(families) < 2 or len(ranges) > 2:
        errors.append(fe.invalid("spec.podCIDRs", shown, "may specify no more than one CIDR for each IP family"))
    for index, text in enumerate(ranges):
        if text in ranges[:index]:
            errors.append(fe.duplicate(f"spec.podCIDRs[{index}]", text))
    return errors


def _roles(node: Object) -> str:
    roles = set()
    for key, value in labels_of(node).items():
        if key.startswith(_ROLE_PREFIX):
            roles.add(key.removeprefix(_ROLE_PREFIX))
        elif key == _ROLE_LABEL and value:
            roles.add(value)
    return ",".join(sorted(role for role in roles if role)) or NONE


def _readiness(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = next((condition for condition in conditions if condition.get("type") == "Ready"), None)
    parts = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    if (node.get("spec") or {}).get("unschedulable"):
        parts.append("SchedulingDisabled")
    return ",".join(parts)


def _address(node: Object, kind: str) -> str:
    for address in (node.get("status") or {}).get("addresses") or ():
        if address.get("type") == kind:
            return address.get("address") or ""
    return NONE


def cells(node: Object, now: datetime) -> list[Any]:
    """One row."""
    info = (node.get("status") or {}).get("nodeInfo") or {}
    return [
        node["metadata"].get("name"),
        _readiness(node),
        _roles(node),
        age(node, now),
        info.get("kubeletVersion") or "",
        _address(node, "InternalIP"),
        _address(node, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _unschedulable(node: Object) -> str:
    return "true" if (node.get("spec") or {}).get("unschedulable") else "false"


SELECTABLE: Mapping[str, Callable[[Object], str]] = {"spec.unschedulable": _unschedulable}
NODE = NodeStrategy()
NODE_STATUS = NodeStatusStrategy(NODE)
