"""Which FlowSchema a request belongs to, and which of its flows. Pure.

The rules are those of flowcontrol.apiserver.k8s.io/v1beta3: schemas are tried by matchingPrecedence, then by name; the
first whose subject and rule both match is the request's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apimachinery.objects import Object, name_of
from apiserver.interfaces import Attributes, UserInfo

_ALL = "*"


@dataclass(frozen=True, slots=True)
class _Subjects:
    users: frozenset[str]
    groups: frozenset[str]
    accounts: frozenset[tuple[str, str]]  #: (namespace, name or "*")

    def has(self, user: UserInfo) -> bool:
        if user.name in self.users or _ALL in self.users or _ALL in self.groups:
            return True
        if not self.groups.isdisjoint(user.groups):
            return True
        if not self.accounts:
            return False
        prefix, _, rest = user.name.partition("system:serviceaccount:")
        namespace, mark, name = rest.partition(":")
        if prefix or not mark:
            return False
        return (namespace, _ALL) in self.accounts or (namespace, name) in self.accounts


@dataclass(frozen=True, slots=True)
class _ResourceRule:
    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    namespaces: frozenset[str]
    cluster_scope: bool

    def matches(self, attributes: Attributes) -> bool:
        resource = attributes.resource + (f"/{attributes.subresource}" if attributes.subresource else "")
        if attributes.namespace:
            in_scope = _ALL in self.namespaces or attributes.namespace in self.namespaces
        else:
            in_scope = self.cluster_scope
        return (
            in_scope
            and _contains(self.verbs, attributes.verb)
            and _contains(self.groups, attributes.group)
            and _contains(self.resources, resource)
        )


@dataclass(frozen=True, slots=True)
class _PathRule:
    verbs: frozenset[str]
    exact: frozenset[str]
    prefixes: tuple[str, ...]

    def matches(self, attributes: Attributes) -> bool:
        if not _contains(self.verbs, attributes.verb):
            return False
        return attributes.path in self.exact or attributes.path.startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class _Rule:
    subjects: _Subjects
    resources: tuple[_ResourceRule, ...]
    paths: tuple[_PathRule, ...]

    def matches(self, attributes: Attributes) -> bool:
        if not self.subjects.has(attributes.user):
            return False
        rules: Iterable[_ResourceRule | _PathRule] = self.resources if attributes.is_resource else self.paths
        return any(rule.matches(attributes) for rule in rules)


def _contains(known: frozenset[str], wanted: str) -> bool:
    return wanted in known or _ALL in known


@dataclass(frozen=True, slots=True)
class Schema:
    """A FlowSchema, ready to be asked."""

    name: str
    uid: str
    level: str  #: name of its PriorityLevelConfiguration
    precedence: int
    distinguisher: str  #: "ByUser", "ByNamespace" or "": all requests are one flow
    rules: tuple[_Rule, ...]

    def matches(self, attributes: Attributes) -> bool:
        """Whether a request belongs here, if no schema before this one has it."""
        return any(rule.matches(attributes) for rule in self.rules)

    def flow(self, attributes: Attributes) -> str:
        """What tells the request's flow from the schema's others."""
        if self.distinguisher == "ByUser":
            return attributes.user.name
        return attributes.namespace if self.distinguisher == "ByNamespace" else ""


def compile_schema(obj: Object) -> Schema:
    """The schema of a FlowSchema object."""
    spec = obj["spec"]
    return Schema(
        name_of(obj),
        obj["metadata"].get("uid", ""),
        (spec.get("priorityLevelConfiguration") or {}).get("name") or "",
        spec.get("matchingPrecedence") or 0,
        (spec.get("distinguisherMethod") or {}).get("type") or "",
        tuple(_rule(rule) for rule in spec.get("rules") or ()),
    )


def _rule(rule: Mapping[str, Any]) -> _Rule:
    users, groups, accounts = set(), set(), set()
    for subject in rule.get("subjects") or ():
        if subject.get("user"):
            users.add(subject["user"].get("name") or "")
        if subject.get("group"):
            groups.add(subject["group"].get("name") or "")
        if account := subject.get("serviceAccount"):
            accounts.add((account.get("namespace") or "", account.get("name") or ""))
    return _Rule(
        _Subjects(frozenset(users), frozenset(groups), frozenset(accounts)),
        tuple(
            _ResourceRule(
                frozenset(each.get("verbs") or ()), frozenset(each.get("apiGroups") or ()),
                frozenset(each.get("resources") or ()), frozenset(each.get("namespaces") or ()),
                bool(each.get("clusterScope")),
            )
            for each in rule.get("resourceRules") or ()
        ),
        tuple(_path_rule(each) for each in rule.get("nonResourceRules") or ()),
    )  # fmt: skip


def _path_rule(rule: Mapping[str, Any]) -> _PathRule:
    urls = rule.get("nonResourceURLs") or ()
    return _PathRule(
        frozenset(rule.get("verbs") or ()),
        frozenset(url for url in urls if not url.endswith(_ALL)),
        tuple(url[:-1] for url in urls if url.endswith(_ALL)),
    )


def in_order(schemas: Iterable[Schema]) -> list[Schema]:
    """Schemas in the order in which they are tried."""
    return sorted(schemas, key=lambda schema: (schema.precedence, schema.name))


def classify(schemas: Sequence[Schema], attributes: Attributes, otherwise: Schema) -> Schema:
    """The first schema that matches; `otherwise` where none does."""
    return next((schema for schema in schemas if schema.matches(attributes)), otherwise)
