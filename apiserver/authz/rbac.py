"""The RBAC authorizer: who is bound to which rules, indexed by subject and kept until a role or binding changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from apimachinery.errors import NotFound, not_found
from apimachinery.objects import Object, name_of, namespace_of
from apiserver.authz.rules import Rule, from_object
from apiserver.interfaces import Attributes, Decision, Reader, UserInfo

_GROUP = "rbac.authorization.k8s.io"
_WATCHED = (CLUSTER_ROLES, ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS)
_DECISIONS_KEPT = 16_384
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding gives one subject; `error` is set where its role does not exist."""

    namespace: str  #: "" for everywhere
    rules: tuple[Rule, ...]
    reason: str
    error: str = ""


class RBACAuthorizer:
    """Allows what the roles bound to a user or to one of the groups permit."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._versions: tuple[int, ...] = ()
        self._by_user: dict[str, list[Grant]] = {}
        self._by_group: dict[str, list[Grant]] = {}
        self._decisions: dict[tuple[object, ...], tuple[Decision, str]] = {}

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """ALLOW or no opinion."""
        self._refresh()
        user = attributes.user
        key = (
            user.name, user.groups, attributes.verb, attributes.group, attributes.resource, attributes.subresource,
            attributes.namespace, attributes.name, "" if attributes.is_resource else attributes.path,
        )  # fmt: skip
        decided = self._decisions.get(key)
        if decided is None:
            decided = self._decide(attributes)
            if not attributes.is_short:
                return decided
            if len(self._decisions) >= _DECISIONS_KEPT:
                self._decisions.clear()
            self._decisions[key] = decided
        return decided

    def rules_for(self, user: UserInfo, namespace: str) -> tuple[list[Rule], list[str]]:
        """All rules of the user in the namespace, and the errors met on the way."""
        self._refresh()
        grants = list(self._grants(user, namespace))
        return [rule for grant in grants for rule in grant.rules], [grant.error for grant in grants if grant.error]

    def role_rules(self, reference: Object, namespace: str) -> tuple[Rule, ...]:
        """The rules of the role that a binding in `namespace` refers to; raises NotFound."""
        name = reference.get("name") or ""
        if reference.get("kind") == "ClusterRole":
            role = self._reader.get(CLUSTER_ROLES, "", name)
            resource = CLUSTER_ROLES
        else:
            role = self._reader.get(ROLES, namespace, name)
            resource = ROLES
        if role is None:
            # The reference names the one kind here, not the resource.
            raise not_found(_GROUP, resource.kind.lower(), name)
        return tuple(from_object(rule) for rule in role.get("rules") or ())

    def _decide(self, attributes: Attributes) -> tuple[Decision, str]:
        errors = []
        for grant in self._grants(attributes.user, attributes.namespace):
            if grant.error:
                errors.append(grant.error)
            elif any(rule.allows(attributes) for rule in grant.rules):
                return Decision.ALLOW, grant.reason
        if not errors:
            return Decision.NO_OPINION, ""
        unique = list(dict.fromkeys(errors))
        listed = unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
        return Decision.NO_OPINION, f"RBAC: {listed}"

    def _grants(self, user: UserInfo, namespace: str) -> Iterator[Grant]:
        found = [self._by_user.get(user.name, ()), *(self._by_group.get(group, ()) for group in user.groups)]
        for grants in found:
            yield from (grant for grant in grants if not grant.namespace)
        if namespace:
            for grants in found:
                yield from (grant for grant in grants if grant.namespace == namespace)

    def _refresh(self) -> None:
        reader = self._reader
        versions = tuple([reader.version(resource) for resource in _WATCHED])
        if versions == self._versions:
            return
        self._by_user, self._by_group = {}, {}
        self._decisions.clear()
        rules: dict[tuple[str, str, str], tuple[Rule, ...] | NotFound] = {}
        for binding in (*reader.list(CLUSTER_ROLE_BINDINGS), *reader.list(ROLE_BINDINGS)):
            self._index(binding, rules)
        self._versions = versions

    def _index(self, binding: Object, known: dict[tuple[str, str, str], tuple[Rule, ...] | NotFound]) -> None:
        reference = binding.get("roleRef") or {}
        namespace = namespace_of(binding)
        kind, name = reference.get("kind") or "", reference.get("name") or ""
        key = (kind, "" if kind == "ClusterRole" else namespace, name)
        if key not in known:
            try:
                known[key] = self.role_rules(reference, namespace)
            except NotFound as error:
                known[key] = error
        rules = known[key]
        for subject in binding.get("subjects") or ():
            if isinstance(rules, NotFound):
                grant = Grant(namespace, (), "", rules.message)
            else:
                grant = Grant(namespace, rules, _reason(binding, kind, name, subject))
            self._add(subject, namespace, grant)

    def _add(self, subject: Object, namespace: str, grant: Grant) -> None:
        kind, name = subject.get("kind"), subject.get("name") or ""
        if kind == "User":
            self._by_user.setdefault(name, []).append(grant)
        elif kind == "Group":
            self._by_group.setdefault(name, []).append(grant)
        elif kind == "ServiceAccount":
            home = subject.get("namespace") or namespace
            if home:
                self._by_user.setdefault(f"{_SERVICE_ACCOUNT}{home}:{name}", []).append(grant)


def _reason(binding: Object, role_kind: str, role_name: str, subject: Object) -> str:
    namespace = namespace_of(binding)
    kind, name = ("RoleBinding", f"{name_of(binding)}/{namespace}") if namespace else (
        "ClusterRoleBinding", name_of(binding)
    )  # fmt: skip
    who = subject.get("name") or ""
    if subject.get("kind") == "ServiceAccount":
        who = f"{who}/{subject.get('namespace') or ''}"
    return f'RBAC: allowed by {kind} "{name}" of {role_kind} "{role_name}" to {subject.get("kind")} "{who}"'
