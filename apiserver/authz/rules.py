"""rbac/v1 PolicyRules: what one matches, and whether some rules cover others. Pure.

The rules are those of k8s.io/component-helpers/auth/rbac/validation and pkg/apis/rbac/v1/evaluation_helpers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from apimachinery.objects import Object
from apiserver.interfaces import Attributes

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule; either of resources or of paths."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def allows(self, attributes: Attributes) -> bool:
        """Whether the rule permits the request."""
        if ALL not in self.verbs and attributes.verb not in self.verbs:
            return False
        if not attributes.is_resource:
            return any(path_matches(pattern, attributes.path) for pattern in self.paths)
        if ALL not in self.groups and attributes.group not in self.groups:
            return False
        if self.names and attributes.name not in self.names:
            return False
        return self._matches_resource(attributes.resource, attributes.subresource)

    def _matches_resource(self, resource: str, subresource: str) -> bool:
        if ALL in self.resources:
            return True
        if not subresource:
            return resource in self.resources
        return f"{resource}/{subresource}" in self.resources or f"{ALL}/{subresource}" in self.resources

    def as_object(self) -> Object:
        """The rbac/v1 form."""
        fields = {
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
            "resourceNames": self.names,
            "nonResourceURLs": self.paths,
        }
        return {key: list(value) for key, value in fields.items() if value}

    def __str__(self) -> str:
        parts = {
            "APIGroups": self.groups,
            "Resources": self.resources,
            "NonResourceURLs": self.paths,
            "ResourceNames": self.names,
            "Verbs": self.verbs,
        }
        return "{" + ", ".join(f"{key}:{quoted_list(value)}" for key, value in parts.items() if value) + "}"


def from_object(rule: Object) -> Rule:
    """The rule of its rbac/v1 form."""
    return Rule(
        tuple(rule.get("verbs") or ()), tuple(rule.get("apiGroups") or ()), tuple(rule.get("resources") or ()),
        tuple(rule.get("resourceNames") or ()), tuple(rule.get("nonResourceURLs") or ()),
    )  # fmt: skip


def quoted_list(values: Iterable[str]) -> str:
    """A list of strings as Go's %q prints it."""
    return "[" + " ".join(f'"{value}"' for value in values) + "]"


def path_matches(pattern: str, path: str) -> bool:
    """Whether a nonResourceURL covers a path: equal, or all below where it ends in "*"."""
    if pattern in (ALL, path):
        return True
    return pattern.endswith(ALL) and path.startswith(pattern[:-1])


def uncovered(owned: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The parts of `wanted` that `owned` does not permit, each of one verb on one thing."""
    return [part for rule in wanted for part in _atoms(rule) if not any(_covers(own, part) for own in owned)]


def _atoms(rule: Rule) -> Iterator[Rule]:
    for group, resource, verb in product(rule.groups, rule.resources, rule.verbs):
        if rule.names:
            yield from (Rule((verb,), (group,), (resource,), (name,)) for name in rule.names)
        else:
            yield Rule((verb,), (group,), (resource,))
    for path, verb in product(rule.paths, rule.verbs):
        yield Rule((verb,), paths=(path,))


def _covers(own: Rule, part: Rule) -> bool:
    """Whether one rule permits all that `part`, a rule of one thing, does."""
    if ALL not in own.verbs and part.verbs[0] not in own.verbs:
        return False
    if part.paths:
        return any(path_matches(pattern, part.paths[0]) for pattern in own.paths)
    if ALL not in own.groups and part.groups[0] not in own.groups:
        return False
    if own.names and (not part.names or part.names[0] not in own.names):
        return False
    resource, _, subresource = part.resources[0].partition("/")
    if ALL in own.resources or part.resources[0] in own.resources:
        return True
    return bool(subresource) and f"{ALL}/{subresource}" in own.resources and bool(resource)


def compact(parts: Iterable[Rule]) -> list[Rule]:
    """Parts of one verb each joined where they are of the same thing."""
    joined: dict[tuple[object, ...], list[str]] = {}
    for part in parts:
        verbs = joined.setdefault((part.groups, part.resources, part.names, part.paths), [])
        verbs += [verb for verb in part.verbs if verb not in verbs]
    return [Rule(tuple(verbs), *key) for key, verbs in joined.items()]  # type: ignore[arg-type]  # the key is a rule's rest
