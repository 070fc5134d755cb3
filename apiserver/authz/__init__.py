"""Authorization: RBAC, Node, ABAC, a webhook, AlwaysAllow and AlwaysDeny, asked in the order of --authorization-mode.

Each rule is in a file of its own; `build` chains them. All but the webhook decide on cached objects and never wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from apimachinery.errors import Forbidden
from apimachinery.errors import forbidden as _forbidden
from apimachinery.objects import Object
from apiserver.authz import abac
from apiserver.authz.node import NodeAuthorizer
from apiserver.authz.rbac import RBACAuthorizer
from apiserver.authz.reviews import AuthorizationReviews
from apiserver.authz.rules import Rule
from apiserver.authz.simple import AlwaysAllow, AlwaysDeny, PrivilegedGroup
from apiserver.authz.webhook import WebhookAuthorizer
from apiserver.interfaces import Attributes, CachedAuthorizer, Decision, Reader, UserInfo
from apiserver.options import Options
from apiserver.webhooks.bykubeconfig import KubeconfigWebhook

__all__ = ["Authorization", "build", "forbidden_error", "question"]

Review = Callable[[Attributes, Object], Awaitable[Object]]

MODES = ("Node", "RBAC", "ABAC", "Webhook", "AlwaysAllow", "AlwaysDeny")


#: What the file of a mode is.
_WHAT = {"ABAC": "authorization policy", "Webhook": "authorization config"}


class Authorization:
    """Authorizers in their order; the first that allows or denies decides."""

    def __init__(
        self,
        authorizers: Sequence[CachedAuthorizer | WebhookAuthorizer],
        rbac: RBACAuthorizer | None,
        *,
        incomplete: str = "",
    ) -> None:
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

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """The decision and its reason; NO_OPINION where nobody allows, with all reasons given."""
        reasons = []
        for authorizer in self._authorizers:
            if isinstance(authorizer, WebhookAuthorizer):
                decision, reason = await authorizer.authorize(attributes)
            else:
                decision, reason = authorizer.authorize(attributes)
            if decision is not Decision.NO_OPINION:
                return decision, reason
            if reason:
                reasons.append(reason)
        return Decision.NO_OPINION, "\n".join(reasons)

    async def allows(self, attributes: Attributes) -> bool:
        """Whether the request may proceed."""
        return (await self.authorize(attributes))[0] is Decision.ALLOW

    async def close(self) -> None:
        """Give connections to other servers back."""
        for authorizer in self._authorizers:
            if isinstance(authorizer, WebhookAuthorizer):
                await authorizer.close()

    def rules_for(self, user: UserInfo, namespace: str) -> tuple[list[Rule], str]:
        """What the user may do in the namespace, and what keeps the list from being complete ("": nothing)."""
        if self.rbac is None:
            return [], self._incomplete
        rules, errors = self.rbac.rules_for(user, namespace)
        return rules, ", ".join(filter(None, [self._incomplete, *errors]))


def build(options: Options, reader: Reader) -> Authorization:
    """Authorization as the flags say; raises ValueError with one line."""
    modes = options.authorization_mode
    for mode, name, path in (
        ("ABAC", "authorization-policy-file", options.authorization_policy_file),
        ("Webhook", "authorization-webhook-config-file", options.authorization_webhook_config_file),
    ):
        if mode in modes and not path:
            raise ValueError(f"authorization-mode {mode}'s {_WHAT[mode]} file not passed")
        if path and mode not in modes:
            raise ValueError(f"cannot specify --{name} without mode {mode}")
    policies = abac.load(options.authorization_policy_file) if "ABAC" in modes else None
    return chain(modes, reader, policies=policies, webhook=_webhook(options) if "Webhook" in modes else None)


def _webhook(options: Options) -> WebhookAuthorizer:
    return WebhookAuthorizer(
        KubeconfigWebhook(options.authorization_webhook_config_file),
        version=options.authorization_webhook_version,
        authorized_seconds=options.authorization_webhook_cache_authorized_ttl_seconds,
        unauthorized_seconds=options.authorization_webhook_cache_unauthorized_ttl_seconds,
    )


def chain(
    modes: Sequence[str],
    reader: Reader,
    *,
    policies: abac.Policies | None = None,
    webhook: WebhookAuthorizer | None = None,
) -> Authorization:
    """The chain for --authorization-mode; raises ValueError for an unknown or repeated mode."""
    if not modes:
        raise ValueError("authorization-mode: at least one authorization-mode must be passed")
    authorizers: list[CachedAuthorizer | WebhookAuthorizer] = [PrivilegedGroup()]
    rbac: RBACAuthorizer | None = None
    incomplete = ""
    for mode in modes:
        if mode == "Node":
            authorizers.append(NodeAuthorizer(reader))
            incomplete = "node authorizer does not support user rule resolution"
        elif mode == "RBAC":
            rbac = RBACAuthorizer(reader)
            authorizers.append(rbac)
        elif mode == "ABAC" and policies is not None:
            authorizers.append(policies)
        elif mode == "Webhook" and webhook is not None:
            authorizers.append(webhook)
            incomplete = "webhook authorizer does not support user rule resolution"
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
