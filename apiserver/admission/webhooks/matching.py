"""Which webhooks a request concerns: operations, resources, scope, selectors. Pure.

As k8s.io/apiserver/pkg/admission/plugin/webhook/predicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apimachinery import labels
from apimachinery.objects import Object, labels_of, name_of
from apiserver.admission.base import operation
from apiserver.interfaces import Attributes

_ALL = "*"
#: Webhooks never see the objects that configure them: a broken one could not be removed otherwise.
_EXEMPT_GROUP = "admissionregistration.k8s.io"


def webhooks_of(configurations: Iterable[Object]) -> Iterator[tuple[Object, Object]]:
    """(configuration, webhook) of every configuration, in the order of their names."""
    for configuration in sorted(configurations, key=name_of):
        for webhook in configuration.get("webhooks") or ():
            yield configuration, webhook


def concerns(
    webhook: Object, attributes: Attributes, obj: Object | None, old: Object | None, namespace: Object | None
) -> bool:
    """Whether the webhook is to be called. `namespace` is that of a namespaced request."""
    if attributes.group == _EXEMPT_GROUP:
        return False
    if not any(_rule_matches(rule, attributes) for rule in webhook.get("rules") or ()):
        return False
    return _namespace_matches(webhook, attributes, obj, old, namespace) and _object_matches(webhook, obj, old)


def _rule_matches(rule: Object, attributes: Attributes) -> bool:
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
    webhook: Object, attributes: Attributes, obj: Object | None, old: Object | None, namespace: Object | None
) -> bool:
    selector = labels.from_label_selector(webhook.get("namespaceSelector") or {})
    if selector.empty:
        return True
    if attributes.resource == "namespaces" and not attributes.group:
        return selector.matches(labels_of(obj or old or {}))
    if not attributes.namespace:
        return True
    return namespace is not None and selector.matches(labels_of(namespace))


def _object_matches(webhook: Object, obj: Object | None, old: Object | None) -> bool:
    selector = labels.from_label_selector(webhook.get("objectSelector") or {})
    if selector.empty:
        return True
    return any(item is not None and selector.matches(labels_of(item)) for item in (obj, old))
