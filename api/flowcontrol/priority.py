"""FlowSchemas and PriorityLevelConfigurations: defaults, rules, conversion between versions, tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy
from api.table import AGE, NAME, NONE, age
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of

SCHEMA_COLUMNS = (
    NAME,
    Column(name="PriorityLevel", description="The priority level of matching requests."),
    Column(name="MatchingPrecedence", description="Lower numbers are looked at first."),
    Column(name="DistinguisherMethod", description="What tells the flows of the schema apart."),
    AGE,
    Column(name="MissingPL", description="Whether the priority level does not exist."),
)
LEVEL_COLUMNS = (
    NAME,
    Column(name="Type", description="Whether requests are limited."),
    Column(name="NominalConcurrencyShares", description="The level's share of the server."),
    Column(name="Queues", description="How many queues there are."),
    Column(name="HandSize", description="How many queues one flow can use."),
    Column(name="QueueLengthLimit", description="How many requests may wait in a queue."),
    AGE,
)
_GROUP = "flowcontrol.apiserver.k8s.io"
_MAX_PRECEDENCE = 10_000
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_LIMITED_DEFAULTS = {"nominalConcurrencyShares": 30, "lendablePercent": 0}
_QUEUING_DEFAULTS = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


class FlowSchemaStrategy(SpecStrategy):
    """Which requests have which priority."""

    def default(self, obj: Object) -> None:
        """In the middle of the order."""
        spec = obj.setdefault("spec", {"priorityLevelConfiguration": {"name": ""}})
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = 1000

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateFlowSchema."""
        spec = obj["spec"]
        errors: list[FieldError] = []
        precedence = spec.get("matchingPrecedence") or 0
        if precedence <= 0:
            errors.append(fe.invalid("spec.matchingPrecedence", precedence, "must be a positive value"))
        if precedence > _MAX_PRECEDENCE:
            text = f"must not be greater than {_MAX_PRECEDENCE}"
            errors.append(fe.invalid("spec.matchingPrecedence", precedence, text))
        if precedence == 1 and name_of(obj) != "exempt":
            text = "only the schema named 'exempt' may have matchingPrecedence 1"
            errors.append(fe.invalid("spec.matchingPrecedence", precedence, text))
        method = (spec.get("distinguisherMethod") or {}).get("type")
        if "distinguisherMethod" in spec and method not in ("ByNamespace", "ByUser"):
            path = "spec.distinguisherMethod.type"
            errors.append(fe.not_supported(path, method or "", ("ByNamespace", "ByUser")))
        level, path = (spec.get("priorityLevelConfiguration") or {}).get("name"), "spec.priorityLevelConfiguration.name"
        if not level:
            errors.append(fe.required(path, "must reference a priority level"))
        else:
            errors.extend(fe.invalid(path, level, text) for text in names.dns1123_subdomain(level))
        for index, rule in enumerate(spec.get("rules") or ()):
            errors += _validate_rule(rule, f"spec.rules[{index}]")
        return errors


def _validate_rule(rule: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    subjects = rule.get("subjects") or ()
    if not subjects:
        errors.append(fe.required(f"{path}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(subjects):
        kind, here = subject.get("kind") or "", f"{path}.subjects[{index}]"
        if kind not in _SUBJECTS:
            errors.append(fe.not_supported(f"{here}.kind", kind, tuple(_SUBJECTS)))
        elif _SUBJECTS[kind] not in subject:
            text = f"{_SUBJECTS[kind]} is required when subject kind is '{kind}'"
            errors.append(fe.required(f"{here}.{_SUBJECTS[kind]}", text))
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        text = "at least one of resourceRules and nonResourceRules has to be non-empty"
        errors.append(fe.required(path, text))
    for index, part in enumerate(rule.get("resourceRules") or ()):
        here = f"{path}.resourceRules[{index}]"
        errors += [fe.required(f"{here}.{f}") for f in ("verbs", "apiGroups", "resources") if not part.get(f)]
        if not part.get("namespaces") and not part.get("clusterScope"):
            text = "resource rules that are not cluster scoped must supply at least one namespace"
            errors.append(fe.required(f"{here}.namespaces", text))
    for index, part in enumerate(rule.get("nonResourceRules") or ()):
        here = f"{path}.nonResourceRules[{index}]"
        errors += [fe.required(f"{here}.{f}") for f in ("verbs", "nonResourceURLs") if not part.get(f)]
    return errors


class PriorityLevelStrategy(SpecStrategy):
    """How much of the server requests of one priority may use; `shares`: what v1beta2 and v1beta3 name differently."""

    def __init__(self, shares: str) -> None:
        self.shares = shares

    def default(self, obj: Object) -> None:
        """Fair shares, and queues of the usual size."""
        spec = obj.setdefault("spec", {})
        if spec.get("type") == "Exempt":
            exempt = spec.setdefault("exempt", {})
            exempt.setdefault("nominalConcurrencyShares", 0)
            exempt.setdefault("lendablePercent", 0)
        limited = spec.get("limited")
        if limited is None:
            return
        for field, value in _LIMITED_DEFAULTS.items():
            limited.setdefault(self.shares if field == "nominalConcurrencyShares" else field, value)
        queuing = (limited.get("limitResponse") or {}).get("queuing")
        if queuing is not None:
            for field, value in _QUEUING_DEFAULTS.items():
                if not queuing.get(field):
                    queuing[field] = value

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePriorityLevelConfiguration."""
        spec = obj["spec"]
        kind, limited = spec.get("type") or "", spec.get("limited")
        if kind not in ("Exempt", "Limited"):
            return [fe.not_supported("spec.type", kind, ("Exempt", "Limited"))]
        errors: list[FieldError] = []
        if kind == "Exempt" and limited is not None:
            errors.append(fe.forbidden("spec.limited", "must be nil if the type is not Limited"))
        if kind == "Limited" and spec.get("exempt") is not None:
            errors.append(fe.forbidden("spec.exempt", "must be nil if the type is Limited"))
        if kind == "Limited":
            if limited is None:
                errors.append(fe.required("spec.limited", "must not be empty when type is Limited"))
            else:
                errors += self._validate_limited(limited)
        return errors

    def _validate_limited(self, limited: Mapping[str, Any]) -> list[FieldError]:
        errors: list[FieldError] = []
        shares, lendable = limited.get(self.shares) or 0, limited.get("lendablePercent") or 0
        if shares <= 0:
            errors.append(fe.invalid("spec.limited.nominalConcurrencyShares", shares, "must be positive"))
        if not 0 <= lendable <= 100:
            text = "must be between 0 and 100, inclusive"
            errors.append(fe.invalid("spec.limited.lendablePercent", lendable, text))
        borrowing = limited.get("borrowingLimitPercent")
        if borrowing is not None and borrowing < 0:
            text = "if specified, must be a non-negative integer"
            errors.append(fe.invalid("spec.limited.borrowingLimitPercent", borrowing, text))
        response = limited.get("limitResponse") or {}
        kind, queuing, path = response.get("type") or "", response.get("queuing"), "spec.limited.limitResponse"
        if kind == "Reject":
            if queuing is not None:
                errors.append(
                    fe.forbidden(f"{path}.queuing", "must be nil if limited.limitResponse.type is not Limited")
                )
        elif kind == "Queue":
            if queuing is None:
                errors.append(
                    fe.required(f"{path}.queuing", "must not be empty if limited.limitResponse.type is Limited")
                )
            else:
                errors += _validate_queuing(queuing, f"{path}.queuing")
        else:
            errors.append(fe.not_supported(f"{path}.type", kind, ("Queue", "Reject")))
        return errors


def _validate_queuing(queuing: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    queues, hand, length = (queuing.get(field) or 0 for field in ("queues", "handSize", "queueLengthLimit"))
    if length <= 0:
        errors.append(fe.invalid(f"{path}.queueLengthLimit", length, "must be positive"))
    if queues <= 0:
        errors.append(fe.invalid(f"{path}.queues", queues, "must be positive"))
    elif queues > 10_000_000:
        errors.append(fe.invalid(f"{path}.queues", queues, "must not be greater than 10000000"))
    if hand <= 0:
        errors.append(fe.invalid(f"{path}.handSize", hand, "must be positive"))
    elif hand > queues:
        text = f"should not be greater than queues ({queues})"
        errors.append(fe.invalid(f"{path}.handSize", hand, text))
    return errors


def _converted(obj: Object, version: str, old: str, new: str) -> Object:
    spec = obj.get("spec") or {}
    limited = spec.get("limited")
    if limited is not None and old in limited:
        limited = {(new if field == old else field): value for field, value in limited.items()}
        spec = {**spec, "limited": limited}
    return {**obj, "apiVersion": f"{_GROUP}/{version}", "spec": spec}


def to_v1beta3(obj: Object) -> Object:
    """The stored form of a v1beta2 object."""
    return _converted(obj, "v1beta3", "assuredConcurrencyShares", "nominalConcurrencyShares")


def to_v1beta2(obj: Object) -> Object:
    """A stored object as v1beta2 shows it."""
    return _converted(obj, "v1beta2", "nominalConcurrencyShares", "assuredConcurrencyShares")


def schema_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of FlowSchemas."""
    spec, missing = obj.get("spec") or {}, "?"
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Dangling":
            missing = condition.get("status") or ""
    return [
        obj["metadata"].get("name"),
        (spec.get("priorityLevelConfiguration") or {}).get("name") or "",
        spec.get("matchingPrecedence") or 0,
        (spec.get("distinguisherMethod") or {}).get("type") or NONE,
        age(obj, now),
        missing,
    ]


def level_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of PriorityLevelConfigurations."""
    spec = obj.get("spec") or {}
    limited = spec.get("limited") or {}
    shares = limited.get("nominalConcurrencyShares", limited.get("assuredConcurrencyShares", NONE))
    queuing = (limited.get("limitResponse") or {}).get("queuing") or {}
    sizes = [queuing.get(field, NONE) for field in ("queues", "handSize", "queueLengthLimit")]
    return [obj["metadata"].get("name"), spec.get("type") or "", shares, *sizes, age(obj, now)]


FLOW_SCHEMA = FlowSchemaStrategy()
FLOW_SCHEMA_STATUS = StatusStrategy(FLOW_SCHEMA)
LEVEL = PriorityLevelStrategy("nominalConcurrencyShares")
LEVEL_STATUS = StatusStrategy(LEVEL)
LEVEL_V1BETA2 = PriorityLevelStrategy("assuredConcurrencyShares")
LEVEL_V1BETA2_STATUS = StatusStrategy(LEVEL_V1BETA2)
