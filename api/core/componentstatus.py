"""ComponentStatuses: only a table; the API server makes the objects up as they are asked for. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.kind import Column
from api.table import NAME
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Status", description="Whether the component is healthy."),
    Column(name="Message", description="What the component says."),
    Column(name="Error", description="What is wrong with it."),
)


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    health, message, error = "Unknown", "", ""
    for condition in obj.get("conditions") or ():
        if condition.get("type") == "Healthy":
            health = "Healthy" if condition.get("status") == "True" else "Unhealthy"
            message, error = condition.get("message") or "", condition.get("error") or ""
            break
    return [obj["metadata"].get("name"), health, message, error]
