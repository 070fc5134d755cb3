"""Follows the FlowSchemas and PriorityLevelConfigurations, and moves seats between levels by what they need."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from api.resources import FLOW_SCHEMAS, PRIORITY_LEVELS
from apimachinery.errors import ApiError
from apimachinery.meta import Resource
from apimachinery.objects import Object, name_of
from apiserver.bootstrap import flow
from apiserver.flowcontrol import allocation, status, timing
from apiserver.flowcontrol.allocation import Demand, Limits
from apiserver.flowcontrol.level import Level
from apiserver.flowcontrol.matching import Schema, classify, compile_schema, in_order
from apiserver.interfaces import Attributes, Loopback
from apiserver.storage.interface import StorageError

logger = logging.getLogger(__name__)

#: How often the objects are looked at; a look at unchanged ones is a comparison of two numbers.
_LOOK_SECONDS = 0.1
_BORROW_SECONDS = 10.0
_RETRY_SECONDS = 5.0
_CATCH_ALL = "catch-all"
_CLASSIFIED_KEPT = 8192

SCHEMA_HEADER = "X-Kubernetes-PF-FlowSchema-UID"
LEVEL_HEADER = "X-Kubernetes-PF-PriorityLevel-UID"

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests of one kind belong."""

    schema: Schema
    level: Level
    headers: Mapping[str, str]  #: what their answers say of it


class FlowControl:
    """The levels of one API server, and which schema a request belongs to."""

    def __init__(self, loopback: Loopback, seats: int) -> None:
        """`seats`: how many requests may be carried out at once."""
        self._loopback = loopback
        self._seats = seats
        self._seen = (-1, -1)
        self._schemas: list[Schema] = []
        self.levels: dict[str, Level] = {}
        self.limits: dict[str, Limits] = {}
        self.demand: dict[str, Demand] = {}
        self.averages: dict[str, tuple[float, float]] = {}  #: of the last period: average and deviation
        self.fair_fraction = 0.0
        self._classified: dict[_Key, Place] = {}
        self._mandatory: dict[Resource, dict[str, Object]] = {FLOW_SCHEMAS: {}, PRIORITY_LEVELS: {}}
        for resource, obj in flow.objects():
            if name_of(obj) in flow.MANDATORY:
                self._mandatory[resource][name_of(obj)] = obj
        self._take_over()

    def find(self, attributes: Attributes) -> Place:
        """The schema and the level of a request; remembered for the next of its like."""
        user = attributes.user
        key = (
            user.name, user.groups, attributes.verb, attributes.group, attributes.resource, attributes.subresource,
            attributes.namespace, attributes.is_resource or attributes.path,
        )  # fmt: skip
        found = self._classified.get(key)
        if found is None:
            schema = classify(self._schemas, attributes, self._schemas[-1])
            level = self.levels[schema.level]
            found = Place(schema, level, {SCHEMA_HEADER: schema.uid, LEVEL_HEADER: level.uid})
            if attributes.is_short:
                if len(self._classified) >= _CLASSIFIED_KEPT:
                    self._classified.clear()
                self._classified[key] = found
        return found

    # Following the objects

    def refresh(self) -> bool:
        """Take over the objects where they have changed; whether they had."""
        version = (self._loopback.version(FLOW_SCHEMAS), self._loopback.version(PRIORITY_LEVELS))
        if version == self._seen:
            return False
        self._seen = version
        self._take_over()
        return True

    def _objects(self, resource: Resource) -> dict[str, Object]:
        """The objects by name; those that there must be are as at first where they are absent."""
        return self._mandatory[resource] | {name_of(obj): obj for obj in self._loopback.list(resource)}

    def _take_over(self) -> None:
        now = time.monotonic()
        objects = self._objects(PRIORITY_LEVELS)
        self.limits = allocation.limits({name: obj["spec"] for name, obj in objects.items()}, self._seats)
        for name, obj in objects.items():
            level = self.levels.get(name)
            if level is None:
                level = self.levels[name] = Level(name, now)
                level.limit = self.limits[name].nominal
            level.configure(obj["metadata"].get("uid", ""), obj["spec"], now)
            level.limit = max(self.limits[name].lower, min(self.limits[name].upper, level.limit))
        for name in self.levels.keys() - objects.keys():
            self.levels[name].quiescing = True
        compiled = (compile_schema(obj) for obj in self._objects(FLOW_SCHEMAS).values())
        ordered = in_order(schema for schema in compiled if schema.level in objects)
        last = next(schema for schema in ordered if schema.name == _CATCH_ALL)
        self._schemas = [schema for schema in ordered if schema is not last] + [last]
        self._classified.clear()
        self._forget_idle()

    def _forget_idle(self) -> None:
        for level in tuple(self.levels.values()):
            if level.quiescing and level.idle:
                del self.levels[level.name]

    # Running

    async def run(self) -> None:
        """Follow the objects and move seats, for ever."""
        loop = asyncio.get_running_loop()
        borrow_at = loop.time() + _BORROW_SECONDS
        write_at = 0.0
        while True:
            if self.refresh() or (write_at and loop.time() >= write_at):
                write_at = 0.0 if await self._write_statuses() else loop.time() + _RETRY_SECONDS
            if loop.time() >= borrow_at:
                borrow_at += _BORROW_SECONDS
                self.borrow()
            await asyncio.sleep(_LOOK_SECONDS)

    def borrow(self) -> None:
        """Share the seats out anew by what each level wanted since the last time."""
        now = time.monotonic()
        self._forget_idle()
        present = {name: level for name, level in self.levels.items() if name in self.limits}
        for name, level in present.items():
            seen = level.load.reset(now)
            seats = timing.denominator(level.limit, self._seats)
            timing.settle(level.name, seen, seats=seats, places=level.capacity)
            former = self.demand[name].smoothed if name in self.demand else 0.0
            self.demand[name] = Demand(seen.high, allocation.smoothed(former, seen.average, seen.deviation))
            self.averages[name] = (seen.average, seen.deviation)
        for name in self.demand.keys() - present.keys():
            del self.demand[name], self.averages[name]
        exempt = frozenset(name for name, level in present.items() if level.exempt)
        limits, self.fair_fraction = allocation.current(self._limits_of(present), self.demand, exempt)
        for name, level in present.items():
            level.limit = limits[name]
            level.serve(now)

    def _limits_of(self, levels: Mapping[str, Level]) -> dict[str, Limits]:
        return {name: self.limits[name] for name in levels}

    async def _write_statuses(self) -> bool:
        """Say in each schema's status whether its level exists; whether all of that could be written."""
        levels = {name_of(obj) for obj in self._loopback.list(PRIORITY_LEVELS)}
        now = datetime.now(UTC)
        done = True
        for obj in tuple(self._loopback.list(FLOW_SCHEMAS)):
            wanted = status.settled(obj, levels, now)
            if wanted is None:
                continue
            try:
                await self._loopback.update(FLOW_SCHEMAS, wanted, "status")
            except (ApiError, StorageError) as error:
                # Another server was faster, or the schema has changed meanwhile: its change is looked at anyway.
                logger.debug("Status not written", extra={"flowschema": name_of(obj), "error": str(error)})
                done = False
        return done
