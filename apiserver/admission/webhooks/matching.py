"""Which webhooks a request concerns: operations, resources, scope, selectors. Pure.

As k8s.io/apiserver/pkg/admission/plugin/webhook/predicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from apimachinery import labels
from apimachinery.meta import Resource
from apimachinery.objects import Object, labels_of, name_of
from apiserver.admission.base import operation
from apiserver.interfaces import Attributes

_ALL = "*"
#: Webhooks never see the objects that configure them: a broken one could not be removed otherwise.
_EXEMPT_GROUP = "admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A webhook that a request concerns."""

    configuration: str  #: name
    webhook: Object
    index: int  #: of the webhook among all of its kind
    resource: Resource | None  #: the version to call it with; None where the request is about nothing stored

    @property
    def uid(self) -> str:
        """Tells webhooks apart."""
        return f"{self.configuration}/{self.index}/{self.webhook.get('name') or ''}"


def webhooks_of(configurations: Iterable[Object]) -> Iterator[tuple[Object, Object]]:
    """(configuration, webhook) of every configuration, in the order of their names."""
    for configuration in sorted(configurations, key=name_of):
        for webhook in configuration.get("webhooks") or ():
            yield configuration, webhook


def invocations(
    configurations: Iterable[Object],
    attributes: Attributes,
    versions: Sequence[Resource],
    objects: tuple[Object | None, Object | None],
    namespace: Object | None,
) -> Iterator[Invocation]:
    """The webhooks to be called, in their order. `versions` are those of the request's resource, its own first;
    `objects` the new and the old one; `namespace` that of a namespaced request."""
    if attributes.group == _EXEMPT_GROUP:
        return
    for index, (configuration, webhook) in enumerate(webhooks_of(configurations)):
        if not _namespace_matches(webhook, attributes, objects, namespace) or not _object_matches(webhook, objects):
            continue
        found, resource = version_called(
            webhook.get("rules") or (), webhook.get("matchPolicy") or "Equivalent", attributes, versions
        )
        if found:
            yield Invocation(name_of(configuration), webhook, index, resource)


def version_called(
    rules: Sequence[Object], match_policy: str, attributes: Attributes, versions: Sequence[Resource]
) -> tuple[bool, Resource | None]:
    """Whether rules concern a request, and with which version: its own, or (matchPolicy Equivalent) another one."""
    if any(rule_matches(rule, attributes) for rule in rules):
        return True, versions[0] if versions else None
    if match_policy == "Equivalent":
        for rule in rules:
            for other in versions[1:]:
                same = replace(attributes, group=other.group, version=other.version, resource=other.plural)
                if rule_matches(rule, same):
                    return True, other
    return False, None


def rule_matches(rule: Object, attributes: Attributes) -> bool:
    """Operations, resource and scope of one rule."""
    verb = operation(attributes).upper()
    return (
        _lists(rule.get("operations"), verb)
        and _lists(rule.get("apiGroups"), attributes.group)
        and _lists(rule.get("apiVersions"), attributes.version)
        and _scope_matches(rule.get("scope") or _ALL, attributes)
        and any(_resource_matches(item, attributes) for item in rule.get("resources") or ())
    )


def _lists(values: Iterable[str] | None, wanted: str) -> bool:
    listed = tuple(values or ())
    return _ALL in listed or wanted in listed


def _scope_matches(scope: str, attributes: Attributes) -> bool:
    """A Namespace object counts as being in its cluster, though requests about it carry its name as namespace."""
    clusterwide = not attributes.namespace or (attributes.resource == "namespaces" and not attributes.group)
    return scope == _ALL or (scope == "Cluster") is clusterwide


def _resource_matches(pattern: str, attributes: Attributes) -> bool:
    resource, _, subresource = pattern.partition("/")
    if resource not in (_ALL, attributes.resource):
        return False
    if pattern in (_ALL, resource):
        return not attributes.subresource
    return subresource in (_ALL, attributes.subresource)


def _namespace_matches(
    webhook: Object, attributes: Attributes, objects: tuple[Object | None, Object | None], namespace: Object | None
) -> bool:
    selector = labels.from_label_selector(webhook.get("namespaceSelector") or {})
    if selector.empty:
        return True
    if attributes.resource == "namespaces" and not attributes.group:
        return selector.matches(labels_of(objects[0] or objects[1] or {}))
    if not attributes.namespace:
        return True
    return namespace is not None and selector.matches(labels_of(namespace))


def _object_matches(webhook: Object, objects: tuple[Object | None, Object | None]) -> bool:
    selector = labels.from_label_selector(webhook.get("objectSelector") or {})
    if selector.empty:
        return True
    return any(item is not None and selector.matches(labels_of(item)) for item in objects)
