"""OwnerReferencesPermissionEnforcement: only who may delete an object says who owns it, and only who may hold up an
owner's deletion says that it waits."""

from __future__ import annotations

from api.catalog import KINDS
from apimachinery.objects import Object, name_of
from apiserver.admission.base import Plugin, Setting, refuse
from apiserver.authz import question
from apiserver.interfaces import Attributes, Decision

_RESOURCES = {(kind.resource.group, kind.resource.kind): kind.resource for kind in KINDS}


class OwnerReferencesPermissionEnforcement(Plugin):
    """Every object."""

    name = "OwnerReferencesPermissionEnforcement"

    def __init__(self, setting: Setting) -> None:
        self._authorizer = setting.authorizer

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        if obj is None or attributes.subresource == "status":
            return []
        new, before = _references(obj), _references(old or {})
        if new == before:
            return []
        user = attributes.user
        if old is not None:
            asked = question(
                user, "delete", group=attributes.group, resource=attributes.resource, namespace=attributes.namespace,
                name=name_of(obj),
            )  # fmt: skip
            if (await self._authorizer.authorize(asked))[0] is not Decision.ALLOW:
                raise refuse(attributes, "cannot set an ownerRef on a resource you can't delete: ", obj)
        blocking_before = {uid for uid, reference in before.items() if reference.get("blockOwnerDeletion")}
        for uid, reference in new.items():
            if reference.get("blockOwnerDeletion") and uid not in blocking_before:
                await self._require_finalizers(attributes, obj, reference)
        return []

    async def _require_finalizers(self, attributes: Attributes, obj: Object, reference: Object) -> None:
        group = str(reference.get("apiVersion") or "").rpartition("/")[0]
        resource = _RESOURCES.get((group, reference.get("kind") or ""))
        if resource is None:
            kind = reference.get("kind")
            why = f"cannot set blockOwnerDeletion in this case because cannot find RESTMapping for {kind}"
            raise refuse(attributes, why, obj)
        asked = question(
            attributes.user, "update", group=group, resource=resource.plural, subresource="finalizers",
            namespace=attributes.namespace if resource.namespaced else "", name=reference.get("name") or "",
        )  # fmt: skip
        if (await self._authorizer.authorize(asked))[0] is not Decision.ALLOW:
            why = (
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
            )
            raise refuse(attributes, why, obj)


def _references(obj: Object) -> dict[str, Object]:
    return {item.get("uid") or "": item for item in (obj.get("metadata") or {}).get("ownerReferences") or ()}
