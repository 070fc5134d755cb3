"""The discovery documents: /api, /apis, one per group, one per group and version, and the aggregated form.

Pure: kinds in, documents out. `apiserver.http` caches and serves them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from api.kind import Kind, Subresource
from apimachinery.objects import Object

AGGREGATED_GROUP_VERSION = "apidiscovery.k8s.io/v2beta1"
AGGREGATED_MEDIA_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"


def group_versions(kinds: Iterable[Kind]) -> dict[str, list[str]]:
    """Each group's versions, the preferred one first; groups in the order of the kinds."""
    found: dict[str, list[str]] = {}
    for kind in kinds:
        versions = found.setdefault(kind.resource.group, [])
        if kind.resource.version not in versions:
            versions.append(kind.resource.version)
    for versions in found.values():
        versions.sort(key=version_rank)
    return found


def version_rank(version: str) -> tuple[int, int, int]:
    """Sorts GA before beta before alpha, and newer before older (k8s.io/apimachinery/pkg/version)."""
    text = version.removeprefix("v")
    for stage, word in ((1, "beta"), (2, "alpha")):
        major, mark, minor = text.partition(word)
        if mark:
            return stage, -_number(major), -_number(minor)
    return 0, -_number(text), 0


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def api_versions(server_address: str) -> Object:
    """GET /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    }


def api_group(group: str, versions: Sequence[str], *, typed: bool = True) -> Object:
    """GET /apis/GROUP; inside the group list `typed` is off."""
    named = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    body: Object = {"kind": "APIGroup", "apiVersion": "v1"} if typed else {}
    body.update({"name": group, "versions": named, "preferredVersion": named[0]})
    return body


def api_group_list(groups: Mapping[str, Sequence[str]]) -> Object:
    """GET /apis."""
    listed = [api_group(group, versions, typed=False) for group, versions in groups.items() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def api_resource_list(kinds: Iterable[Kind], group: str, version: str) -> Object:
    """GET /api/v1 and /apis/GROUP/VERSION."""
    resources: list[tuple[str, Object]] = []
    for kind in kinds:
        if (kind.resource.group, kind.resource.version) != (group, version):
            continue
        listed = [_resource(kind), *(_subresource(kind, sub) for sub in kind.subresources)]
        # Of custom resources the reference lists status before scale, as definitions declare them.
        resources += [(kind.resource.plural if kind.custom else str(each["name"]), each) for each in listed]
    resources.sort(key=itemgetter(0))
    group_version = f"{group}/{version}" if group else version
    body: Object = {"kind": "APIResourceList"}
    if group:
        body["apiVersion"] = "v1"
    return {**body, "groupVersion": group_version, "resources": [each for _, each in resources]}


def _verbs(kind: Kind) -> list[str]:
    """Those of custom resources have an order of their own, and there are fewer while the definition is deleted."""
    if kind.custom is None:
        return sorted(kind.verbs)
    gone = ("create", "patch", "update") if kind.custom.terminating else ()
    return [verb for verb in kind.verbs if verb not in gone]


def _resource(kind: Kind) -> Object:
    resource = kind.resource
    body: Object = {
        "name": resource.plural,
        "singularName": kind.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _verbs(kind),
    }
    if kind.short_names:
        body["shortNames"] = list(kind.short_names)
    if kind.categories:
        body["categories"] = list(kind.categories)
    if kind.storage_path:
        body["storageVersionHash"] = storage_version_hash(kind)
    return body


def storage_version_hash(kind: Kind) -> str:
    """An opaque value that changes when the stored form does."""
    stored = kind.stored
    digest = hashlib.sha256(f"{stored.group}/{stored.version}/{stored.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def _subresource(kind: Kind, sub: Subresource) -> Object:
    body: Object = {
        "name": f"{kind.resource.plural}/{sub.name}",
        "singularName": "",
        "namespaced": kind.resource.namespaced,
        "kind": sub.kind,
        "verbs": sorted(sub.verbs),
    }
    if sub.version:
        body["group"] = sub.group
        body["version"] = sub.version
    return body


def aggregated(
    kinds: Sequence[Kind],
    groups: Mapping[str, Sequence[str]],
    remote: Mapping[tuple[str, str], Object],
    *,
    core: bool,
) -> Object:
    """The APIGroupDiscoveryList of /api (core) or /apis: groups in their order, versions in `remote` as it has them."""
    items = []
    for group, versions in groups.items():
        if (group == "") != core:
            continue
        items.append(
            {
                "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
                "versions": [
                    remote.get((group, version)) or _aggregated_version(kinds, group, version) for version in versions
                ],
            }
        )
    return {"kind": "APIGroupDiscoveryList", "apiVersion": AGGREGATED_GROUP_VERSION, "metadata": {}, "items": items}


def _aggregated_version(kinds: Sequence[Kind], group: str, version: str) -> dict[str, Any]:
    mine = [kind for kind in kinds if (kind.resource.group, kind.resource.version) == (group, version)]
    mine.sort(key=lambda kind: kind.resource.plural)
    return {"version": version, "resources": [_aggregated_resource(kind) for kind in mine], "freshness": "Current"}


def _response_kind(kind: str, group: str = "", version: str = "") -> dict[str, str]:
    return {"group": group, "version": version, "kind": kind}


def _aggregated_resource(kind: Kind) -> Object:
    resource = kind.resource
    body: Object = {
        "resource": resource.plural,
        "responseKind": _response_kind(resource.kind, *((resource.group, resource.version) if kind.custom else ())),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(kind),
    }
    if kind.short_names:
        body["shortNames"] = list(kind.short_names)
    if kind.categories:
        body["categories"] = list(kind.categories)
    if kind.subresources:
        body["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": _response_kind(sub.kind, sub.group, sub.version),
                "verbs": sorted(sub.verbs),
            }
            for sub in kind.subresources
        ]
    return body
