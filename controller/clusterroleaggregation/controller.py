"""Keeps the rules of aggregated ClusterRoles (admin, edit, view and users' own) the union of those they select."""

from __future__ import annotations

import logging

from api.resources import CLUSTER_ROLES
from apimachinery.objects import Object, name_of
from controller.clusterroleaggregation.plan import gathered
from controller.context import Context
from controller.loop import Controller

logger = logging.getLogger(__name__)
_MANAGER = "clusterrole-aggregation-controller"


class ClusterRoleAggregationController(Controller):
    """Keys are names of aggregated ClusterRoles."""

    name = "ClusterRoleAggregator"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._roles = self.watch(CLUSTER_ROLES)
        self._roles.on_change(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        """Any change may be one of what an aggregated role gathers."""
        if new is not None and new.get("aggregationRule"):
            self.enqueue(new)
        for role in self._roles.store.list():
            if role.get("aggregationRule"):
                self.enqueue(role)

    async def sync(self, key: str) -> None:
        """Write the gathered rules where they are not what the role has."""
        role = self._roles.store.get(key)
        if role is None:
            return
        try:
            rules = gathered(role, self._roles.store.list())
        except ValueError as error:
            logger.warning("Cannot aggregate", extra={"role": name_of(role), "error": error})
            return
        if rules is None or rules == (role.get("rules") or []):
            return
        applied = {
            "apiVersion": CLUSTER_ROLES.api_version,
            "kind": CLUSTER_ROLES.kind,
            "metadata": {"name": name_of(role)},
            "rules": rules,
        }
        params = {"fieldManager": _MANAGER, "force": "true"}
        await self.client.patch(CLUSTER_ROLES, "", name_of(role), applied, patch_type="apply", params=params)
