"""Says in each ValidatingAdmissionPolicy's status what of its expressions does not fit the types that it is about.

The types are those of the server's OpenAPI documents, custom resources included. A policy is looked at once per
generation, as in the reference: what is defined later changes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from api.admissionregistration.typechecking import MAX_TYPES, expression_warnings, named_resources
from api.resources import ADMISSION_POLICIES
from apimachinery.cel.openapitypes import type_of
from apimachinery.cel.types import Type
from apimachinery.errors import NotFound
from apimachinery.objects import Object, name_of
from client.rest import RestClient
from controller.context import Context
from controller.discovery import document, path_of
from controller.loop import Controller

logger = logging.getLogger(__name__)
_GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"
_Kind = tuple[str, str, str]


class PolicyStatusController(Controller):
    """Keys are names of policies."""

    name = "validatingadmissionpolicy-status"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._policies = self.watch(ADMISSION_POLICIES)
        self._policies.on_change(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.enqueue(new)

    async def sync(self, key: str) -> None:
        """Check a policy that was not checked in this form."""
        policy = self._policies.store.get(key)
        if policy is None:
            return
        generation = policy["metadata"].get("generation") or 0
        if generation <= ((policy.get("status") or {}).get("observedGeneration") or 0):
            return
        documents = _Documents(self.client)
        types = await self._types(policy["spec"], documents)
        params = await documents.type_of(_params_kind(policy["spec"]))
        # Compiling takes a while where types are large.
        warnings = await asyncio.to_thread(expression_warnings, policy["spec"], types, params)
        status: Object = {"observedGeneration": generation, "typeChecking": {}}
        if warnings:
            status["typeChecking"]["expressionWarnings"] = warnings
        applied = {
            "apiVersion": ADMISSION_POLICIES.api_version,
            "kind": ADMISSION_POLICIES.kind,
            "metadata": {"name": name_of(policy)},
            "status": status,
        }
        how = {"fieldManager": self.name, "force": "true"}
        await self.client.patch(
            ADMISSION_POLICIES, "", name_of(policy), applied, patch_type="apply", subresource="status", params=how
        )

    async def _types(self, spec: Mapping[str, Any], documents: _Documents) -> dict[str, Type]:
        """Of the kinds that the policy names, by what messages call them; kinds that there are not are left out."""
        kinds: set[_Kind] = set()
        for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
            found = [await documents.kind_of(*each) for each in named_resources(rule)]
            kinds.update([kind for kind in found if kind is not None][:MAX_TYPES])
        types = {_shown(kind): await documents.type_of(kind) for kind in sorted(kinds)}
        return {shown: kind for shown, kind in types.items() if kind is not None}


class _Documents:
    """What the server says of its resources and their schemas, each document asked for once."""

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self._known: dict[str, Object] = {}

    async def kind_of(self, group: str, version: str, plural: str) -> _Kind | None:
        """The kind of a resource; None: it is not served. Raises ApiError."""
        served = await self._document(_path(group, version))
        kind = next((each["kind"] for each in served.get("resources") or () if each["name"] == plural), None)
        return (group, version, kind) if kind else None

    async def type_of(self, kind: _Kind | None) -> Type | None:
        """The type of a kind's objects; None: nothing is known of it. Raises ApiError."""
        if kind is None:
            return None
        group, version, name = kind
        schemas = (await self._document(f"/openapi/v3{_path(group, version)}")).get("components", {}).get("schemas", {})
        meant = {"group": group, "version": version, "kind": name}
        found = next((key for key, schema in schemas.items() if meant in schema.get(_GROUP_VERSION_KIND, ())), None)
        return type_of(found, schemas, name) if found else None

    async def _document(self, path: str) -> Object:
        if path not in self._known:
            try:
                self._known[path] = await document(self._client, path)
            except NotFound:
                self._known[path] = {}
        return self._known[path]


def _path(group: str, version: str) -> str:
    return path_of(f"{group}/{version}" if group else version)


def _shown(kind: _Kind) -> str:
    group, version, name = kind
    return f"{group}/{version}, Kind={name}"


def _params_kind(spec: Mapping[str, Any]) -> _Kind | None:
    asked = spec.get("paramKind")
    if not asked:
        return None
    group, _, version = str(asked.get("apiVersion") or "").rpartition("/")
    return group, version, asked.get("kind") or ""
