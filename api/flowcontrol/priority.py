"""FlowSchemas and PriorityLevelConfigurations: defaults, rules, conversion between versions, tables. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.flowcontrol.levelrules import validate_condition_types, validate_level_spec
from api.flowcontrol.mandatory import validate_fixed_level, validate_fixed_schema
from api.flowcontrol.schemarules import validate_schema_spec
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy, restore
from api.table import AGE, NAME, NONE, age
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
        name = name_of(obj)
        return validate_schema_spec(obj["spec"], name) + validate_fixed_schema(obj["spec"], name)


class _ConditionsStrategy(StatusStrategy):
    """The status subresource of either kind."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """All metadata stays; only who wrote which field is written down."""
        super().prepare_update(new, old)
        written = new["metadata"]
        new["metadata"] = dict(old["metadata"])
        restore(new["metadata"], written, "managedFields")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateFlowSchemaStatusUpdate, ValidatePriorityLevelConfigurationStatusUpdate."""
        return validate_condition_types((new.get("status") or {}).get("conditions") or ())


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
        spec, name = obj["spec"], name_of(obj)
        return validate_level_spec(spec, name, self.shares) + validate_fixed_level(spec, name, self.shares)


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
FLOW_SCHEMA_STATUS = _ConditionsStrategy(FLOW_SCHEMA)
LEVEL = PriorityLevelStrategy("nominalConcurrencyShares")
LEVEL_STATUS = _ConditionsStrategy(LEVEL)
LEVEL_V1BETA2 = PriorityLevelStrategy("assuredConcurrencyShares")
LEVEL_V1BETA2_STATUS = _ConditionsStrategy(LEVEL_V1BETA2)
