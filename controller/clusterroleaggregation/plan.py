"""The rules that an aggregated ClusterRole gathers from the roles that its selectors name. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery import labels
from apimachinery.objects import Object, labels_of, name_of


def gathered(role: Object, roles: Iterable[Object]) -> list[Object] | None:
    """The rules the role is to have, each once, in the order of the names of the roles they come from; None where it
    gathers nothing. Raises ValueError for a selector that makes no sense."""
    aggregation = role.get("aggregationRule")
    if not aggregation:
        return None
    selectors = [labels.from_label_selector(item) for item in aggregation.get("clusterRoleSelectors") or ()]
    rules: list[Object] = []
    for other in sorted(roles, key=name_of):
        if name_of(other) == name_of(role) or not any(selector.matches(labels_of(other)) for selector in selectors):
            continue
        rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules
