"""The default roles and bindings of Kubernetes v1.28, as objects. Pure.

What each role permits is in `policy_users`, `policy_components` and `policy_controllers`; here are labels,
aggregation, namespaced roles and who is bound to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from apimachinery.meta import Resource
from apimachinery.objects import Object
from apiserver.authz.rules import Rule
from apiserver.bootstrap.policy_components import COMPONENT_ROLES
from apiserver.bootstrap.policy_controllers import CONTROLLER_ROLES, POLICY_CONTROLLER_ROLES
from apiserver.bootstrap.policy_users import USER_ROLES
from apiserver.bootstrap.rolerules import EVENTS, READ, rule

GROUP = "rbac.authorization.k8s.io"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_CONTROLLER = "system:controller:"

#: Aggregated roles, and the one that each of them is part of itself.
_AGGREGATED = {"admin": "", "edit": "admin", "view": "edit"}
#: Roles that are part of an aggregated one.
_PARTS = {f"system:aggregate-to-{name}": name for name in _AGGREGATED}

#: Cluster roles bound to a subject: role -> subjects as (kind, name). The binding bears the role's name.
_BINDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "cluster-admin": (("Group", "system:masters"),),
    "system:monitoring": (("Group", "system:monitoring"),),
    "system:discovery": (("Group", "system:authenticated"),),
    "system:basic-user": (("Group", "system:authenticated"),),
    "system:public-info-viewer": (("Group", "system:authenticated"), ("Group", "system:unauthenticated")),
    "system:node-proxier": (("User", "system:kube-proxy"),),
    "system:kube-controller-manager": (("User", "system:kube-controller-manager"),),
    "system:kube-dns": (("ServiceAccount", "kube-dns"),),
    "system:kube-scheduler": (("User", "system:kube-scheduler"),),
    "system:volume-scheduler": (("User", "system:kube-scheduler"),),
    # Nobody: the node authorizer took over, and the binding is kept for those who upgraded.
    "system:node": (),
    "system:service-account-issuer-discovery": (("Group", "system:serviceaccounts"),),
}

#: Roles by (namespace, name).
_ROLES: dict[tuple[str, str], tuple[Rule, ...]] = {
    ("kube-system", "extension-apiserver-authentication-reader"): (
        rule("core", "configmaps", READ, names="extension-apiserver-authentication"),
    ),
    ("kube-system", "system:controller:bootstrap-signer"): (rule("core", "secrets", READ),),
    ("kube-system", "system:controller:cloud-provider"): (rule("core", "configmaps", "create get list watch"),),
    ("kube-system", "system:controller:token-cleaner"): (rule("core", "secrets", "delete get list watch"), EVENTS),
    ("kube-system", "system::leader-locking-kube-controller-manager"): (
        rule("core", "configmaps", "watch"),
        rule("core", "configmaps", "get update", names="kube-controller-manager"),
    ),
    ("kube-system", "system::leader-locking-kube-scheduler"): (
        rule("core", "configmaps", "watch"),
        rule("core", "configmaps", "get update", names="kube-scheduler"),
    ),
    ("kube-public", "system:controller:bootstrap-signer"): (
        rule("core", "configmaps", READ),
        rule("core", "configmaps", "update", names="cluster-info"),
        EVENTS,
    ),
}

#: Bindings by (namespace, name): the role, and subjects as (kind, name).
_ROLE_BINDINGS: dict[tuple[str, str], tuple[str, tuple[tuple[str, str], ...]]] = {
    ("kube-system", "system::extension-apiserver-authentication-reader"): (
        "extension-apiserver-authentication-reader",
        (("User", "system:kube-controller-manager"), ("User", "system:kube-scheduler")),
    ),
    **{
        ("kube-system", f"system::leader-locking-{name}"): (
            f"system::leader-locking-{name}",
            (("User", f"system:{name}"), ("ServiceAccount", name)),
        )
        for name in ("kube-controller-manager", "kube-scheduler")
    },
    **{
        (namespace, f"{_CONTROLLER}{name}"): (f"{_CONTROLLER}{name}", (("ServiceAccount", name),))
        for namespace, name in (
            ("kube-system", "bootstrap-signer"),
            ("kube-system", "cloud-provider"),
            ("kube-system", "token-cleaner"),
            ("kube-public", "bootstrap-signer"),
        )
    },
}


def node_rules() -> tuple[Rule, ...]:
    """What the node authorizer lets every node do."""
    return COMPONENT_ROLES["system:node"]


def objects(*, policies: bool = False) -> Iterator[tuple[Resource, Object]]:
    """Every default role and binding, roles first; `policies`: whether ValidatingAdmissionPolicies are in force."""
    controllers = {**CONTROLLER_ROLES, **(POLICY_CONTROLLER_ROLES if policies else {})}
    for name, rules in {**USER_ROLES, **COMPONENT_ROLES}.items():
        labels = {f"{_AGGREGATE}{_PARTS[name]}": "true"} if name in _PARTS else {}
        yield CLUSTER_ROLES, _role(CLUSTER_ROLES, name, rules, labels=labels)
    for name, part_of in _AGGREGATED.items():
        labels = {f"{_AGGREGATE}{part_of}": "true"} if part_of else {}
        role = _role(CLUSTER_ROLES, name, None, labels=labels)
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {f"{_AGGREGATE}{name}": "true"}}]}
        yield CLUSTER_ROLES, role
    for name, rules in controllers.items():
        yield CLUSTER_ROLES, _role(CLUSTER_ROLES, _CONTROLLER + name, rules)
    for (namespace, name), rules in _ROLES.items():
        yield ROLES, _role(ROLES, name, rules, namespace=namespace)
    for name, subjects in _BINDINGS.items():
        yield CLUSTER_ROLE_BINDINGS, _binding(CLUSTER_ROLE_BINDINGS, name, name, subjects)
    for name in controllers:
        full = _CONTROLLER + name
        yield CLUSTER_ROLE_BINDINGS, _binding(CLUSTER_ROLE_BINDINGS, full, full, [("ServiceAccount", name)])
    for (namespace, name), (role_name, subjects) in _ROLE_BINDINGS.items():
        yield ROLE_BINDINGS, _binding(ROLE_BINDINGS, name, role_name, subjects, namespace=namespace)


def _metadata(name: str, namespace: str, labels: dict[str, str]) -> Object:
    metadata: Object = {
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults", **labels},
        "annotations": {AUTOUPDATE: "true"},
    }
    if namespace:
        metadata["namespace"] = namespace
    return metadata


def _role(
    resource: Resource,
    name: str,
    rules: Iterable[Rule] | None,
    *,
    namespace: str = "",
    labels: dict[str, str] | None = None,
) -> Object:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": _metadata(name, namespace, labels or {}),
        "rules": None if rules is None else [item.as_object() for item in rules],
    }


def _binding(
    resource: Resource, name: str, role: str, subjects: Iterable[tuple[str, str]], *, namespace: str = ""
) -> Object:
    listed = [_subject(kind, subject) for kind, subject in subjects]
    binding: Object = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": _metadata(name, namespace, {}),
        "roleRef": {"apiGroup": GROUP, "kind": "Role" if namespace else "ClusterRole", "name": role},
    }
    if listed:
        binding["subjects"] = listed
    return binding


def _subject(kind: str, name: str) -> Object:
    if kind == "ServiceAccount":
        return {"kind": kind, "name": name, "namespace": "kube-system"}
    return {"apiGroup": GROUP, "kind": kind, "name": name}
