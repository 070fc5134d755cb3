"""Authorization: RBAC, the node authorizer, AlwaysAllow and AlwaysDeny, asked in the order of --authorization-mode.

Each rule is in a file of its own; `build` chains them. Decisions are made on cached objects and never wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from apimachinery.errors import Forbidden
from apimachinery.errors import forbidden as _forbidden
from apimachinery.objects import Object
from apiserver.authz.node import NodeAuthorizer
from apiserver.authz.rbac import RBACAuthorizer
from apiserver.authz.reviews import AuthorizationReviews
from apiserver.authz.rules import Rule
from apiserver.authz.simple import AlwaysAllow, AlwaysDeny, PrivilegedGroup
from apiserver.interfaces import Attributes, Authorizer, Decision, Reader, UserInfo
from apiserver.options import Options

__all__ = ["Authorization", "build", "forbidden_error", "question"]

Review = Callable[[Attributes, Object], Awaitable[Object]]

MODES = ("Node", "RBAC", "AlwaysAllow", "AlwaysDeny")


class Authorization:
    """Authorizers in their order; the first that allows or denies decides."""

    def __init__(self, authorizers: Sequence[Authorizer], rbac: RBACAuthorizer | None, *, incomplete: str = "") -> None:
        self._authorizers = tuple(authorizers)
        self.rbac = rbac
        self._incomplete = incomplete
        reviews = AuthorizationReviews(self)
        self.reviews: Mapping[str, Review] = {
            "subjectaccessreviews": reviews.subject_access_review,
            "selfsubjectaccessreviews": reviews.self_subject_access_review,
            "localsubjectaccessreviews": reviews.local_subject_access_review,
            "selfsubjectrulesreviews": reviews.self_subject_rules_review,
        }

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """The decision and its reason; NO_OPINION where nobody allows, with all reasons given."""
        reasons = []
        for authorizer in self._authorizers:
            decision, reason = authorizer.authorize(attributes)
            if decision is not Decision.NO_OPINION:
                return decision, reason
            if reason:
                reasons.append(reason)
        return Decision.NO_OPINION, "\n".join(reasons)

    def allows(self, attributes: Attributes) -> bool:
        """Whether the request may proceed."""
        return self.authorize(attributes)[0] is Decision.ALLOW

    def rules_for(self, user: UserInfo, namespace: str) -> tuple[list[Rule], str]:
        """What the user may do in the namespace, and what keeps the list from being complete ("": nothing)."""
        if self.rbac is None:
            return [], self._incomplete
        rules, errors = self.rbac.rules_for(user, namespace)
        return rules, ", ".join(filter(None, [self._incomplete, *errors]))


def build(options: Options, reader: Reader) -> Authorization:
    """Authorization as the flags say; raises ValueError with one line."""
    return chain(options.authorization_mode, reader)


def chain(modes: Sequence[str], reader: Reader) -> Authorization:
    """The chain for --authorization-mode; raises ValueError for an unknown or repeated mode."""
    if not modes:
        raise ValueError("authorization-mode: at least one authorization-mode must be passed")
    authorizers: list[Authorizer] = [PrivilegedGroup()]
    rbac: RBACAuthorizer | None = None
    incomplete = ""
    for mode in modes:
        if mode == "Node":
            authorizers.append(NodeAuthorizer(reader))
            incomplete = "node authorizer does not support user rule resolution"
        elif mode == "RBAC":
            rbac = RBACAuthorizer(reader)
            authorizers.append(rbac)
        elif mode == "AlwaysAllow":
            authorizers.append(AlwaysAllow())
        elif mode == "AlwaysDeny":
            authorizers.append(AlwaysDeny())
        else:
            raise ValueError(f'authorization-mode: unknown mode "{mode}", known are {", ".join(MODES)}')
    if len(set(modes)) < len(modes):
        raise ValueError(f"authorization-mode: {','.join(modes)} names a mode more than once")
    return Authorization(authorizers, rbac, incomplete=incomplete)


def forbidden_error(attributes: Attributes, reason: str) -> Forbidden:
    """The 403 for a request that nobody allows, in the reference's words."""
    user = attributes.user.name
    if not attributes.is_resource:
        error = Forbidden(f'forbidden: User "{user}" cannot {attributes.verb} path "{attributes.path}"', details={})
    else:
        resource = attributes.resource + (f"/{attributes.subresource}" if attributes.subresource else "")
        scope = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
        why = f'User "{user}" cannot {attributes.verb} resource "{resource}" in API group "{attributes.group}" {scope}'
        error = _forbidden(attributes.group, attributes.resource, attributes.name, why)
    if reason:
        error.message += f": {reason}"
    return error


def question(
    user: UserInfo, verb: str, *, group: str = "", resource: str, subresource: str = "", namespace: str = "",
    name: str = "", version: str = "*",
) -> Attributes:  # fmt: skip
    """The attributes of a question that the server asks itself about a user."""
    return Attributes(
        user=user, verb=verb, path="", group=group, version=version, resource=resource, subresource=subresource,
        namespace=namespace, name=name,
    )  # fmt: skip
