"""Which server answers for a group version, where it is reached, whether it can be used. Pure.

Rules and texts: k8s.io/kube-aggregator, pkg/controllers/status and pkg/apiserver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from apimachinery.objects import Object, format_time, name_of
from apiserver.discovery.documents import version_rank

T = TypeVar("T")
GroupVersion = tuple[str, str]
Pick = Callable[[Sequence[Object]], Object]

#: What a local group version counts where there is no APIService of it (yet): that of custom resources.
_DEFAULT_PRIORITY = (1000, 100)
#: The group of APIServices themselves has none: it comes before all others.
_OWN_GROUP, _OWN_PRIORITY = "apiregistration.k8s.io", 20001


@dataclass(frozen=True, slots=True)
class Remote:
    """A group version that another server answers for."""

    api_service: str  #: name of the APIService
    group: str
    version: str
    namespace: str
    service: str
    port: int
    ca_bundle: str  #: base64, "": the system's authorities
    insecure: bool
    available: bool

    @property
    def host(self) -> str:
        """The name that its certificate must be for."""
        return f"{self.service}.{self.namespace}.svc"

    @property
    def path(self) -> str:
        """Where its resources begin."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


class Unroutable(Exception):
    """No address of the Service can be told; says why."""


def remotes(api_services: Iterable[Object]) -> dict[GroupVersion, Remote]:
    """The group versions that have a Service."""
    found = {}
    for obj in api_services:
        spec = obj["spec"]
        service = spec.get("service")
        if service is None:
            continue
        group, version = spec.get("group") or "", spec.get("version") or ""
        found[group, version] = Remote(
            name_of(obj), group, version, service.get("namespace") or "", service.get("name") or "",
            service.get("port") or 443, spec.get("caBundle") or "", bool(spec.get("insecureSkipTLSVerify")),
            (condition_of(obj) or {}).get("status") == "True",
        )  # fmt: skip
    return found


# Addresses


def cluster_address(remote: Remote, service: Object | None) -> tuple[str, int]:
    """Host and port by the Service's cluster IP; raises Unroutable."""
    spec = _spec(remote, service)
    if spec.get("type") == "ExternalName":
        return spec.get("externalName") or "", remote.port
    address = spec.get("clusterIP")
    if not address or address == "None":
        raise Unroutable('cannot route to service with ClusterIP "None"')
    _port(remote, spec)
    return address, remote.port


def endpoint_address(remote: Remote, service: Object | None, endpoints: Object | None, pick: Pick) -> tuple[str, int]:
    """Host and port of one of the Service's endpoints, chosen by `pick`; raises Unroutable."""
    spec = _spec(remote, service)
    if spec.get("type") == "ExternalName":
        raise Unroutable('unsupported service type "ExternalName"')
    name = _port(remote, spec).get("name") or ""
    if endpoints is None:
        raise Unroutable(f'endpoints "{remote.service}" not found')
    candidates = [
        {"ip": address["ip"], "port": port["port"]}
        for subset in endpoints.get("subsets") or ()
        for port in subset.get("ports") or ()
        if (port.get("name") or "") == name
        for address in subset.get("addresses") or ()
    ]
    if not candidates:
        raise Unroutable(f'no endpoints available for service "{remote.service}"')
    chosen = pick(candidates)
    return chosen["ip"], int(chosen["port"])


def _spec(remote: Remote, service: Object | None) -> Object:
    if service is None:
        raise Unroutable(f'service "{remote.service}" not found')
    spec: Object = service.get("spec") or {}
    return spec


def _port(remote: Remote, spec: Object) -> Object:
    for port in spec.get("ports") or ():
        if port.get("port") == remote.port:
            found: Object = port
            return found
    raise Unroutable(f'no service port {remote.port} found for service "{remote.service}"')


# Availability


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition Available without its time."""

    status: str
    reason: str
    message: str


LOCAL = Verdict("True", "Local", "Local APIServices are always available")
PASSED = Verdict("True", "Passed", "all checks passed")


def failed_discovery(message: str) -> Verdict:
    """The server did not answer as one that can be used."""
    return Verdict("False", "FailedDiscoveryCheck", message)


def verdict(remote: Remote, service: Object | None, endpoints: Object | None) -> Verdict | None:
    """What can be told without asking the server itself; None: ask it."""
    named = f'service/{remote.service} in "{remote.namespace}"'
    if service is None:
        return Verdict("False", "ServiceNotFound", f"{named} is not present")
    spec = service.get("spec") or {}
    if (spec.get("type") or "ClusterIP") != "ClusterIP":
        return None
    ports = [port for port in spec.get("ports") or () if port.get("port") == remote.port]
    if not ports:
        return Verdict("False", "ServicePortError", f"{named} is not listening on port {remote.port}")
    if endpoints is None:
        return Verdict("False", "EndpointsNotFound", f"cannot find endpoints for {named}")
    name = ports[0].get("name") or ""
    for subset in endpoints.get("subsets") or ():
        if subset.get("addresses") and any((port.get("name") or "") == name for port in subset.get("ports") or ()):
            return None
    return Verdict("False", "MissingEndpoints", f'endpoints for {named} have no addresses with port name "{name}"')


def condition_of(api_service: Object) -> Object | None:
    """The condition Available."""
    conditions = (api_service.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == "Available"), None)


def with_verdict(api_service: Object, found: Verdict, now: datetime) -> Object | None:
    """The APIService with its condition; None where it says so already."""
    former = condition_of(api_service) or {}
    wanted = {"type": "Available", "status": found.status, "reason": found.reason, "message": found.message}
    if all(former.get(field) == value for field, value in wanted.items()):
        return None
    same = former.get("status") == found.status and former.get("lastTransitionTime")
    wanted["lastTransitionTime"] = former["lastTransitionTime"] if same else format_time(now)
    conditions = (api_service.get("status") or {}).get("conditions") or ()
    others = [each for each in conditions if each.get("type") != "Available"]
    return {**api_service, "status": {**(api_service.get("status") or {}), "conditions": [*others, wanted]}}


# The order of groups and versions


def in_order(local: Mapping[str, Sequence[str]], api_services: Iterable[Object]) -> dict[str, list[str]]:
    """Every group's versions, groups and versions as clients should prefer them.

    `local`: the groups this server knows itself, in the order that counts between equal priorities."""
    groups = {group: list(versions) for group, versions in local.items()}
    priorities: dict[GroupVersion, tuple[int, int]] = {}
    for obj in api_services:
        spec = obj["spec"]
        group, version = spec.get("group") or "", spec.get("version") or ""
        if spec.get("service") is not None and version not in groups.setdefault(group, []):
            groups[group].append(version)
        priorities[group, version] = (spec.get("groupPriorityMinimum") or 0, spec.get("versionPriority") or 0)
    position = {group: at for at, group in enumerate(local)}

    def group_key(group: str) -> tuple[int, int, str]:
        if group == _OWN_GROUP:
            return -_OWN_PRIORITY, 0, group
        least = max(priorities.get((group, version), _DEFAULT_PRIORITY)[0] for version in groups[group])
        return -least, position.get(group, len(position)), group

    def version_key(group: str, version: str) -> tuple[int, tuple[int, int, int]]:
        return -priorities.get((group, version), _DEFAULT_PRIORITY)[1], version_rank(version)

    return {
        group: sorted(groups[group], key=lambda version: version_key(group, version))
        for group in sorted((group for group in groups if groups[group]), key=group_key)
    }


# APIServices of custom resources

AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"


def of_definitions(crds: Iterable[Object]) -> dict[str, Object]:
    """The APIServices that there must be for the versions that definitions serve, by name."""
    wanted: dict[str, Object] = {}
    for crd in crds:
        conditions = (crd.get("status") or {}).get("conditions") or ()
        if not any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions):
            continue
        group = crd["spec"]["group"]
        for version in crd["spec"].get("versions") or ():
            if not version.get("served"):
                continue
            name = f"{version['name']}.{group}"
            wanted[name] = {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": name, "labels": {AUTOMANAGED: "true"}},
                "spec": {
                    "group": group,
                    "version": version["name"],
                    "groupPriorityMinimum": _DEFAULT_PRIORITY[0],
                    "versionPriority": _DEFAULT_PRIORITY[1],
                },
            }
    return wanted


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written so that the APIServices are as they have to be."""

    create: tuple[Object, ...]
    update: tuple[Object, ...]
    delete: tuple[Object, ...]


def changes(wanted: Mapping[str, Object], existing: Iterable[Object]) -> Changes:
    """Only those that are managed here are changed or deleted: somebody's own APIService of the name is left alone."""
    present = {name_of(obj): obj for obj in existing}
    create = tuple(obj for name, obj in wanted.items() if name not in present)
    managed = {
        name: obj for name, obj in present.items() if (obj["metadata"].get("labels") or {}).get(AUTOMANAGED) == "true"
    }
    update = tuple(
        {**obj, "spec": wanted[name]["spec"]}
        for name, obj in managed.items()
        if name in wanted and obj["spec"] != wanted[name]["spec"]
    )
    return Changes(create, update, tuple(obj for name, obj in managed.items() if name not in wanted))
