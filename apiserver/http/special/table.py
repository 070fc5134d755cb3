"""Which subresource and virtual resource is answered by which handler."""

from __future__ import annotations

from collections.abc import Mapping

from api import resources as r
from apimachinery.meta import Resource
from apiserver.http.resources import ResourceHandlers
from apiserver.http.server import ANY_SCALE, Special
from apiserver.http.special.binding import Bindings
from apiserver.http.special.bodies import Bodies
from apiserver.http.special.componentstatuses import ComponentStatuses
from apiserver.http.special.customscale import CustomScales
from apiserver.http.special.eviction import Evictions
from apiserver.http.special.kubelets import Kubelets
from apiserver.http.special.podlog import PodLogs
from apiserver.http.special.proxying import Connections
from apiserver.http.special.reviews import Mint, Review, Reviews, TokenRequests
from apiserver.http.special.scale import Scales
from apiserver.registry.registry import Registry

Table = dict[tuple[str, str, str], dict[str, Special]]

_SCALED = (r.REPLICATION_CONTROLLERS, r.DEPLOYMENTS, r.REPLICA_SETS, r.STATEFUL_SETS)
_PROXY_VERBS = ("get", "create", "update", "patch", "delete")
_REVIEWS = (
    r.TOKEN_REVIEWS,
    r.SELF_SUBJECT_REVIEWS,
    r.SUBJECT_ACCESS_REVIEWS,
    r.SELF_SUBJECT_ACCESS_REVIEWS,
    r.LOCAL_SUBJECT_ACCESS_REVIEWS,
    r.SELF_SUBJECT_RULES_REVIEWS,
)


def build(
    registry: Registry, resources: ResourceHandlers, kubelets: Kubelets, *, reviews: Mapping[str, Review], mint: Mint
) -> Table:
    """The handlers of everything that is more than an object in the store."""
    bodies = Bodies(registry.schemas)
    table: Table = {}
    for resource in _SCALED:
        scales = Scales(registry.of(resource), resources, bodies)
        table[_key(resource, "scale")] = {"get": scales.get, "update": scales.update, "patch": scales.patch}
    custom = CustomScales(registry, resources, bodies)
    table[ANY_SCALE] = {"get": custom.get, "update": custom.update, "patch": custom.patch}
    pods = registry.of(r.PODS)
    bindings = Bindings(pods, bodies)
    table[_key(r.PODS, "binding")] = {"create": bindings.create}
    table[_key(r.BINDINGS)] = {"create": bindings.create}
    evictions = Evictions(pods, registry.of(r.POD_DISRUPTION_BUDGETS), bodies)
    table[_key(r.PODS, "eviction")] = {"create": evictions.create}
    table[_key(r.PODS, "log")] = {"get": PodLogs(pods, kubelets).get}
    _add_connections(table, registry, kubelets)
    for resource in _REVIEWS:
        review = reviews[resource.plural]
        table[_key(resource)] = {"create": Reviews(review, bodies, resource.group, resource.kind).create}
    accounts = registry.of(r.SERVICE_ACCOUNTS)
    table[_key(r.SERVICE_ACCOUNTS, "token")] = {"create": TokenRequests(accounts, mint, bodies).create}
    _add_component_statuses(table, registry)
    return table


def _add_connections(table: Table, registry: Registry, kubelets: Kubelets) -> None:
    pods = registry.of(r.PODS)
    connections = Connections(pods, registry.of(r.SERVICES), registry.of(r.ENDPOINTS), kubelets)
    for subresource, handler in (
        ("exec", connections.exec),
        ("attach", connections.attach),
        ("portforward", connections.portforward),
    ):
        table[_key(r.PODS, subresource)] = {"get": handler, "create": handler}
    for resource, handler in (
        (r.NODES, connections.node),
        (r.PODS, connections.pod),
        (r.SERVICES, connections.service),
    ):
        table[_key(resource, "proxy")] = dict.fromkeys(_PROXY_VERBS, handler)


def _add_component_statuses(table: Table, registry: Registry) -> None:
    resource = r.COMPONENT_STATUSES
    kind = registry.kind(resource.group, resource.version, resource.plural)
    if kind is not None:
        statuses = ComponentStatuses(kind, registry.feed.storage.current_revision)
        table[_key(resource)] = {"list": statuses.list, "get": statuses.get}


def _key(resource: Resource, subresource: str = "") -> tuple[str, str, str]:
    return (resource.group, resource.plural, subresource)
