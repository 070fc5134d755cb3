"""The table of a custom resource: the name, and the additionalPrinterColumns or the age. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from api.kind import Column
from api.table import NAME
from apimachinery.duration import human_duration
from apimachinery.objects import Object, name_of, parse_time
from apiserver.crd.jsonpath import Step, compile_path

Cells = Callable[[Object, datetime], Sequence[Any]]
_DESCRIPTION = "Custom resource definition column (in JSONPath format): "
_AGE: Mapping[str, Any] = {
    "name": "Age",
    "type": "date",
    "description": "How long ago the object was created.",
    "jsonPath": ".metadata.creationTimestamp",
}


def table_of(version: Mapping[str, Any]) -> tuple[tuple[Column, ...], Cells]:
    """The columns of one version of a definition, and the function that fills a row."""
    declared = version.get("additionalPrinterColumns") or [_AGE]
    columns = tuple(
        Column(
            name=each["name"],
            type=each["type"],
            format=each.get("format") or "",
            description=each.get("description") or _DESCRIPTION + each["jsonPath"],
            priority=each.get("priority") or 0,
        )
        for each in declared
    )
    steps = [(each["type"], compile_path(each["jsonPath"])) for each in declared]

    def cells(obj: Object, now: datetime) -> Sequence[Any]:
        return [name_of(obj), *(_cell(kind, step, obj, now) for kind, step in steps)]

    return (NAME, *columns), cells


def _cell(kind: str, step: Step | None, obj: Object, now: datetime) -> Any:
    found = next(step(obj), None) if step else None
    if found is None:
        return None
    if kind == "string":
        return found if isinstance(found, str) else orjson.dumps(found).decode()
    if kind == "date":
        return _age(found, now)
    if kind == "boolean":
        return found if isinstance(found, bool) else None
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return int(found) if kind == "integer" else found


def _age(found: Any, now: datetime) -> str | None:
    if not isinstance(found, str):
        return None
    try:
        return human_duration((now - parse_time(found)).total_seconds())
    except ValueError:
        return "<invalid>"
