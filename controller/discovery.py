"""What the API server serves, as far as controllers that treat every kind alike need to know."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from apimachinery.errors import ServiceUnavailable, from_status
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient


@dataclass(frozen=True, slots=True)
class ServedResource:
    """One resource in its group's preferred version, and the verbs that it knows."""

    resource: Resource
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Discovered:
    """What was found, and the group versions that did not answer."""

    resources: tuple[ServedResource, ...]
    failures: tuple[str, ...]  #: "metrics.k8s.io/v1beta1: the server is currently unable to handle the request"


async def discover(client: RestClient) -> Discovered:
    """All resources in their groups' preferred versions; raises ApiError where not even the groups are told."""
    groups = await _document(client, "/apis")
    versions = ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups["groups"])]
    found: list[ServedResource] = []
    failures: list[str] = []
    for version in versions:
        try:
            document = await _document(client, "/api/v1" if version == "v1" else f"/apis/{version}")
        except ServiceUnavailable as error:
            failures.append(f"{version}: {error.message}")
            continue
        found += _resources(version, document)
    return Discovered(tuple(found), tuple(failures))


def _resources(group_version: str, document: Object) -> list[ServedResource]:
    group, _, version = group_version.rpartition("/")
    return [
        ServedResource(
            Resource(group, version, entry["name"], entry["kind"], namespaced=entry["namespaced"]),
            frozenset(entry["verbs"]),
        )
        for entry in document["resources"]
        if "/" not in entry["name"]
    ]


async def _document(client: RestClient, path: str) -> Object:
    status, body = await client.raw("GET", path)
    decoded: Object = orjson.loads(body) if body[:1] == b"{" else {}
    if status != 200:
        raise from_status(decoded, status)
    return decoded
