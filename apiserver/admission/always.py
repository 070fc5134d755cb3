"""AlwaysAdmit and AlwaysDeny, which the reference keeps for its tests."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.admission.base import Plugin, Setting, refuse
from apiserver.interfaces import Attributes


class AlwaysAdmit(Plugin):
    """Refuses nothing."""

    name = "AlwaysAdmit"

    def __init__(self, setting: Setting) -> None:
        pass


class AlwaysDeny(Plugin):
    """Refuses everything."""

    name = "AlwaysDeny"
    verbs = frozenset({"create", "update", "delete", "connect"})

    def __init__(self, setting: Setting) -> None:
        pass

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        raise refuse(attributes, "admission control is denying all modifications", obj)
