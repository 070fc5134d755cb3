"""RBAC's own rule, always on with RBAC: nobody grants what they do not have, unless they may "escalate" or "bind".

As pkg/registry/rbac/*/policybased. It runs last of the mutating plugins, before the object is validated."""

from __future__ import annotations

from apimachinery import errors
from apimachinery.errors import NotFound
from apimachinery.objects import Object, name_of
from apiserver.admission.base import Plugin, operation
from apiserver.authz import Authorization, question
from apiserver.authz.rules import Rule, compact, from_object, quoted_list, uncovered
from apiserver.authz.simple import PRIVILEGED_GROUP
from apiserver.interfaces import Attributes

_GROUP = "rbac.authorization.k8s.io"
_ROLES = {"roles": "Role", "clusterroles": "ClusterRole"}
_BINDINGS = frozenset({"rolebindings", "clusterrolebindings"})
_EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), paths=("*",)))


class RBACEscalation(Plugin):
    """Writes of roles and bindings."""

    name = "RBACEscalation"
    resources = {(_GROUP, resource): frozenset({""}) for resource in (*_ROLES, *_BINDINGS)}

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden, or NotFound for a binding to a role that does not exist."""
        if obj is None or PRIVILEGED_GROUP in attributes.user.groups:
            return
        if attributes.resource in _ROLES:
            await self._check_role(attributes, obj, old)
        else:
            await self._check_binding(attributes, obj, old)

    async def _check_role(self, attributes: Attributes, obj: Object, old: Object | None) -> None:
        if operation(attributes) == "update" and old is not None and _same_rules(obj, old):
            return
        if await self._may(attributes, "escalate", attributes.resource, attributes.name or name_of(obj)):
            return
        self._confirm(attributes, obj, [from_object(rule) for rule in obj.get("rules") or ()])
        if obj.get("aggregationRule") and (old is None or obj["aggregationRule"] != old.get("aggregationRule")):
            # It may gather anything there will ever be.
            self._confirm(attributes, obj, list(_EVERYTHING))

    async def _check_binding(self, attributes: Attributes, obj: Object, old: Object | None) -> None:
        if old is not None and old.get("roleRef") == obj.get("roleRef") and old.get("subjects") == obj.get("subjects"):
            return
        reference = obj.get("roleRef") or {}
        resource = "clusterroles" if reference.get("kind") == "ClusterRole" else "roles"
        if await self._may(attributes, "bind", resource, reference.get("name") or ""):
            return
        rbac = self._authorization.rbac
        if rbac is None:
            return
        try:
            rules = rbac.role_rules(reference, attributes.namespace)
        except NotFound:
            raise errors.not_found(_GROUP, resource, reference.get("name") or "") from None
        self._confirm(attributes, obj, list(rules))

    async def _may(self, attributes: Attributes, verb: str, resource: str, name: str) -> bool:
        return await self._authorization.allows(
            question(
                attributes.user, verb, group=_GROUP, resource=resource, namespace=attributes.namespace, name=name
            )
        )  # fmt: skip

    def _confirm(self, attributes: Attributes, obj: Object, wanted: list[Rule]) -> None:
        user = attributes.user
        owned, _ = self._authorization.rules_for(user, attributes.namespace)
        missing = uncovered(owned, wanted)
        if not missing:
            return
        listed = "\n".join(sorted(str(rule) for rule in compact(missing)))
        why = (
            f'user "{user.name}" (groups={quoted_list(user.groups)}) is attempting to grant RBAC permissions '
            f"not currently held:\n{listed}"
        )
        raise errors.forbidden(_GROUP, attributes.resource, name_of(obj), why)


def _same_rules(obj: Object, old: Object) -> bool:
    fields = ("rules", "aggregationRule")
    return all((obj.get(field) or None) == (old.get(field) or None) for field in fields)
