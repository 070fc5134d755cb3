"""What the API server serves, as far as controllers that treat every kind alike need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from apimachinery.errors import Forbidden, NotFound, ServiceUnavailable, from_status
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
    groups = await document(client, "/apis")
    versions = ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups["groups"])]
    found: list[ServedResource] = []
    failures: list[str] = []
    for version in versions:
        try:
            served = await document(client, path_of(version))
        except ServiceUnavailable as error:
            failures.append(f"{version}: {error.message}")
            continue
        found += _resources(version, served)
    return Discovered(tuple(found), tuple(failures))


def _resources(group_version: str, served: Object) -> list[ServedResource]:
    group, _, version = group_version.rpartition("/")
    return [
        ServedResource(
            Resource(group, version, entry["name"], entry["kind"], namespaced=entry["namespaced"]),
            frozenset(entry["verbs"]),
        )
        for entry in served["resources"]
        if "/" not in entry["name"]
    ]


def path_of(api_version: str) -> str:
    """Where an API server says what it has of a group version. Pure."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


async def serves(client: RestClient, resource: Resource) -> bool:
    """Whether there is such a resource that one may know of; raises ApiError."""
    try:
        served = await document(client, path_of(resource.api_version))
    except (NotFound, Forbidden):
        return False
    return any(entry["name"] == resource.plural for entry in served["resources"])


async def document(client: RestClient, path: str, params: Mapping[str, str] | None = None) -> Object:
    """The JSON at any path; raises ApiError."""
    status, body = await client.raw("GET", path, params=params)
    decoded: Object = orjson.loads(body) if body[:1] == b"{" else {}
    if status != 200:
        raise from_status(decoded, status)
    return decoded
