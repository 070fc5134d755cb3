"""The condition Dangling of a FlowSchema: whether its priority level is missing. Pure."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime

from apimachinery.objects import Object, format_time


def settled(schema: Object, levels: Container[str], now: datetime) -> Object | None:
    """The schema with the condition as it has to be; None where it is so already."""
    name = (schema["spec"].get("priorityLevelConfiguration") or {}).get("name") or ""
    text = f'This FlowSchema references the PriorityLevelConfiguration object named "{name}"'
    if name in levels:
        wanted = {"type": "Dangling", "status": "False", "reason": "Found", "message": f"{text} and it exists"}
    else:
        message = f"{text} but there is no such object"
        wanted = {"type": "Dangling", "status": "True", "reason": "NotFound", "message": message}
    conditions = (schema.get("status") or {}).get("conditions") or []
    former: Object = next((each for each in conditions if each.get("type") == "Dangling"), {})
    if all(former.get(field) == value for field, value in wanted.items()):
        return None
    same = former.get("status") == wanted["status"]
    since = former.get("lastTransitionTime") if same else None
    wanted["lastTransitionTime"] = since or format_time(now)
    others = [each for each in conditions if each.get("type") != "Dangling"]
    return {**schema, "status": {**(schema.get("status") or {}), "conditions": [*others, wanted]}}
