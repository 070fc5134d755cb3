"""Which requests are recorded, and how much of them: an audit.k8s.io/v1 Policy, read and decided. Pure.

The first rule that matches a request decides; a request that no rule matches is not recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from apiserver.interfaces import Attributes

STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_RULE_LISTS = ("users", "userGroups", "verbs", "namespaces", "nonResourceURLs", "omitStages")
_RULE_FIELDS = (*_RULE_LISTS, "level", "resources", "omitManagedFields")


class PolicyError(Exception):
    """The policy makes no sense; one line says where and why."""


class Level(IntEnum):
    """How much is recorded; each includes those before it. Named as in the policy."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3

    @property
    def text(self) -> str:
        """As it is written."""
        return _LEVEL_TEXTS[self]


_LEVEL_TEXTS = {
    Level.NONE: "None",
    Level.METADATA: "Metadata",
    Level.REQUEST: "Request",
    Level.REQUEST_RESPONSE: "RequestResponse",
}
_LEVELS = {text: level for level, text in _LEVEL_TEXTS.items()}


@dataclass(frozen=True, slots=True)
class Decided:
    """What the policy wants of one request."""

    level: Level
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


@dataclass(frozen=True, slots=True)
class GroupResources:
    """Resources of one group; no `resources` are all of them, no `names` any name."""

    group: str
    resources: tuple[str, ...]
    names: frozenset[str]

    def match(self, attributes: Attributes) -> bool:
        """Whether the request is for one of these."""
        if self.group != attributes.group:
            return False
        if not self.resources:
            return True
        if self.names and attributes.name not in self.names:
            return False
        return any(_resource_matches(wanted, attributes) for wanted in self.resources)


def _resource_matches(wanted: str, attributes: Attributes) -> bool:
    resource, subresource = attributes.resource, attributes.subresource
    if wanted == "*" or wanted == (f"{resource}/{subresource}" if subresource else resource):
        return True
    if subresource and wanted.startswith("*/") and wanted[2:] == subresource:
        return True
    return wanted.endswith("/*") and wanted[:-2] == resource


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; what is empty matches everything."""

    decided: Decided
    users: frozenset[str]
    groups: frozenset[str]
    verbs: frozenset[str]
    namespaces: frozenset[str]
    resources: tuple[GroupResources, ...]
    paths: tuple[str, ...]

    def matches(self, attributes: Attributes) -> bool:
        """Whether the rule is for this request."""
        user = attributes.user
        if self.users and user.name not in self.users:
            return False
        if self.groups and not self.groups.intersection(user.groups):
            return False
        if self.verbs and attributes.verb not in self.verbs:
            return False
        if self.namespaces or self.resources:
            return self._matches_resource(attributes)
        if self.paths:
            return not attributes.is_resource and any(_path_matches(path, attributes.path) for path in self.paths)
        return True

    def _matches_resource(self, attributes: Attributes) -> bool:
        if not attributes.is_resource or (self.namespaces and attributes.namespace not in self.namespaces):
            return False
        return not self.resources or any(item.match(attributes) for item in self.resources)


def _path_matches(wanted: str, path: str) -> bool:
    return path.startswith(wanted[:-1]) if wanted.endswith("*") else path == wanted


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules, in order."""

    rules: tuple[Rule, ...]

    def decide(self, attributes: Attributes) -> Decided:
        """What is wanted of this request."""
        return next((rule.decided for rule in self.rules if rule.matches(attributes)), _NOTHING)


_NOTHING = Decided(Level.NONE)


def parse(text: str) -> Policy:
    """The policy of a file's text; raises PolicyError."""
    import yaml  # here, as most servers have no such file

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PolicyError("not valid YAML: " + " ".join(str(error).split())) from error
    fields = _fields(document, "", ("apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"))
    if fields.get("apiVersion") != "audit.k8s.io/v1" or fields.get("kind") != "Policy":
        raise PolicyError("must be of apiVersion audit.k8s.io/v1, kind Policy")
    rules = fields.get("rules")
    if not isinstance(rules, list) or not rules:
        raise PolicyError("loaded illegal policy with 0 rules")
    stages = _stages(fields, "")
    managed = _bool(fields, "", default=False)
    return Policy(tuple(_rule(rule, f"rules[{index}]", stages, managed) for index, rule in enumerate(rules)))


def _rule(declared: Any, where: str, stages: frozenset[str], managed: bool) -> Rule:
    fields = _fields(declared, where, _RULE_FIELDS)
    level = _LEVELS.get(fields.get("level") or "")
    if level is None:
        raise PolicyError(f"{where}.level: must be one of None, Metadata, Request, RequestResponse")
    lists = {name: _texts(fields, name, where) for name in _RULE_LISTS}
    resources = _list(fields, "resources", where)
    paths = lists["nonResourceURLs"]
    if paths and (resources or lists["namespaces"]):
        raise PolicyError(
            f"{where}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs"
        )
    for path in paths:
        if path != "*" and (not path.startswith("/") or "*" in path[:-1]):
            raise PolicyError(f"{where}.nonResourceURLs: {path!r} must be * or begin with / and have * only at its end")
    omitted = stages | _stages(fields, where)
    return Rule(
        Decided(level, omitted, _bool(fields, where, default=managed)),
        frozenset(lists["users"]),
        frozenset(lists["userGroups"]),
        frozenset(lists["verbs"]),
        frozenset(lists["namespaces"]),
        tuple(_group_resources(item, f"{where}.resources[{index}]") for index, item in enumerate(resources)),
        tuple(paths),
    )


def _group_resources(declared: Any, where: str) -> GroupResources:
    fields = _fields(declared, where, ("group", "resources", "resourceNames"))
    group = fields.get("group") or ""
    if not isinstance(group, str) or "/" in group:
        raise PolicyError(f"{where}.group: must be a group's name without a version")
    resources = _texts(fields, "resources", where)
    names = _texts(fields, "resourceNames", where)
    if names and not resources:
        raise PolicyError(f"{where}.resourceNames: using resourceNames requires at least one resource")
    return GroupResources(group, tuple(resources), frozenset(names))


def _stages(fields: dict[str, Any], where: str) -> frozenset[str]:
    stages = _texts(fields, "omitStages", where)
    for stage in stages:
        if stage not in STAGES:
            raise PolicyError(f"{_at(where, 'omitStages')}: {stage!r} is none of {', '.join(STAGES)}")
    return frozenset(stages)


def _bool(fields: dict[str, Any], where: str, *, default: bool) -> bool:
    value = fields.get("omitManagedFields")
    if value is not None and not isinstance(value, bool):
        raise PolicyError(f"{_at(where, 'omitManagedFields')}: must be true or false")
    return default if value is None else value


def _texts(fields: dict[str, Any], name: str, where: str) -> list[str]:
    found = _list(fields, name, where)
    if not all(isinstance(item, str) for item in found):
        raise PolicyError(f"{_at(where, name)}: must be a list of texts")
    return found


def _list(fields: dict[str, Any], name: str, where: str) -> list[Any]:
    found = fields.get(name) or []
    if not isinstance(found, list):
        raise PolicyError(f"{_at(where, name)}: must be a list")
    return found


def _fields(value: Any, where: str, known: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PolicyError(f"{where or 'the file'}: must be an object")
    for name in value:
        if name not in known:
            raise PolicyError(f'{where + ": " if where else ""}unknown field "{name}"')
    return value


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
