"""Webhook mode: another server decides, by SubjectAccessReviews; its answers are remembered for a while."""

from __future__ import annotations

import logging
import time

import orjson

from apimachinery.objects import Object
from apiserver.interfaces import Attributes, Decision
from apiserver.webhooks.bykubeconfig import KubeconfigWebhook, WebhookFailed

logger = logging.getLogger(__name__)

_KEPT = 8192
_MAX_CACHED_BYTES = 10_000  #: longer questions are asked each time


class WebhookAuthorizer:
    """Asks the webhook."""

    def __init__(
        self, webhook: KubeconfigWebhook, *, version: str, authorized_seconds: float, unauthorized_seconds: float
    ) -> None:
        """`version`: of authorization.k8s.io, "v1" or "v1beta1". The seconds: how long answers are good."""
        self._webhook = webhook
        self._version = version
        self._seconds = {True: authorized_seconds, False: unauthorized_seconds}
        self._answers: dict[bytes, tuple[float, Object]] = {}

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """As the webhook says; no opinion where it does not answer."""
        spec = question(attributes, self._version)
        key = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        now = time.monotonic()
        kept = self._answers.get(key)
        if kept is not None and now < kept[0]:
            return decision(kept[1])
        review = {
            "apiVersion": f"authorization.k8s.io/{self._version}",
            "kind": "SubjectAccessReview",
            "metadata": {"creationTimestamp": None},
            "spec": spec,
            "status": {"allowed": False},
        }
        try:
            status = (await self._webhook.post(review)).get("status")
        except WebhookFailed as error:
            logger.error("Failed to make webhook authorizer request", extra={"error": str(error)})
            return Decision.NO_OPINION, ""
        if not isinstance(status, dict):
            return Decision.NO_OPINION, ""
        if len(key) <= _MAX_CACHED_BYTES:
            if len(self._answers) >= _KEPT:
                self._answers.clear()
            self._answers[key] = (now + self._seconds[bool(status.get("allowed"))], status)
        return decision(status)

    async def close(self) -> None:
        """Give the connections back."""
        await self._webhook.close()


def question(attributes: Attributes, version: str) -> Object:
    """The spec of the review. Pure."""
    user = attributes.user
    spec: Object = {"user": user.name}
    if user.uid:
        spec["uid"] = user.uid
    if user.groups:
        spec["groups" if version == "v1" else "group"] = list(user.groups)
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}
    if not attributes.is_resource:
        return {**spec, "nonResourceAttributes": {"path": attributes.path, "verb": attributes.verb}}
    fields = {
        "namespace": attributes.namespace, "verb": attributes.verb, "group": attributes.group,
        "version": attributes.version, "resource": attributes.resource, "subresource": attributes.subresource,
        "name": attributes.name,
    }  # fmt: skip
    return {**spec, "resourceAttributes": {key: value for key, value in fields.items() if value}}


def decision(status: Object) -> tuple[Decision, str]:
    """The decision of a review's status. Pure."""
    reason = str(status.get("reason") or "")
    if status.get("denied") and status.get("allowed"):
        logger.error("A webhook allowed and denied the same request")
        return Decision.DENY, "webhook subject access review returned both allow and deny response"
    if status.get("denied"):
        return Decision.DENY, reason
    return (Decision.ALLOW if status.get("allowed") else Decision.NO_OPINION), reason
