"""CustomResourceDefinitions for tests of the API server: written in a few words, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from api.resources import CUSTOM_RESOURCE_DEFINITIONS
from apimachinery.errors import AlreadyExists
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient

_SECONDS = 15.0


def definition(name: str, kind: str, versions: Sequence[Object], scope: str = "Namespaced") -> Object:
    """A definition; `name` is "plural.group"."""
    plural, _, group = name.partition(".")
    spec = {"group": group, "scope": scope, "names": {"plural": plural, "kind": kind}, "versions": list(versions)}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": spec,
    }


def version(name: str, spec: Object, *, storage: bool = False) -> Object:
    """A served version whose spec has these properties."""
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}}


async def establish(api: RestClient, crd: Object, resource: Resource) -> Object:
    """Create the definition, if there is none of that name, and wait until it is served."""
    with suppress(AlreadyExists):
        await api.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
    await answers(api, resource, 200)
    return await api.get(CUSTOM_RESOURCE_DEFINITIONS, "", crd["metadata"]["name"])


async def answers(api: RestClient, resource: Resource, status: int) -> None:
    """Wait until a list of the resource is answered so."""
    async with asyncio.timeout(_SECONDS):
        while True:
            answered, _ = await api.raw("GET", resource.path("default"))
            if answered == status:
                return
            await asyncio.sleep(0.05)
