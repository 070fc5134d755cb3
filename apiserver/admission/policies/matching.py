"""Which policies and bindings a request concerns. Pure.

(k8s.io/apiserver/pkg/admission/plugin/validatingadmissionpolicy/matching.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apimachinery import labels
from apimachinery.meta import Resource
from apimachinery.objects import Object, labels_of, name_of
from apiserver.admission.webhooks.matching import version_called
from apiserver.interfaces import Attributes

#: The new and the old object.
Objects = tuple[Object | None, Object | None]


def concerns(
    match: Mapping[str, Any] | None,
    attributes: Attributes,
    versions: Sequence[Resource],
    objects: Objects,
    namespace: Object | None,
) -> tuple[bool, Resource | None]:
    """Whether a MatchResources takes in a request, and in which version of its resource. None takes in all."""
    own = versions[0] if versions else None
    if match is None:
        return True, own
    if not _selected(match, attributes, objects, namespace):
        return False, None
    excluded = _of_name(match.get("excludeResourceRules") or (), attributes, objects)
    policy = match.get("matchPolicy") or "Equivalent"
    if version_called(excluded, policy, attributes, versions)[0]:
        return False, None
    rules = match.get("resourceRules") or ()
    if not rules:
        return True, own
    return version_called(_of_name(rules, attributes, objects), policy, attributes, versions)


def _of_name(rules: Sequence[Object], attributes: Attributes, objects: Objects) -> list[Object]:
    """The rules for all names, and those for this one."""
    name = attributes.name or name_of(objects[0] or objects[1] or {})
    return [rule for rule in rules if not rule.get("resourceNames") or name in rule["resourceNames"]]


def _selected(match: Mapping[str, Any], attributes: Attributes, objects: Objects, namespace: Object | None) -> bool:
    selector = labels.from_label_selector(match.get("objectSelector") or {})
    if not selector.empty and not any(each is not None and selector.matches(labels_of(each)) for each in objects):
        return False
    selector = labels.from_label_selector(match.get("namespaceSelector") or {})
    if selector.empty:
        return True
    if attributes.resource == "namespaces" and not attributes.group:
        return selector.matches(labels_of(objects[0] or objects[1] or {}))
    return not attributes.namespace or (namespace is not None and selector.matches(labels_of(namespace)))
