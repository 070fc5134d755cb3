"""Bearer tokens that another server knows, by TokenReviews."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Collection

from apimachinery.errors import Unauthorized
from apimachinery.objects import Object
from apiserver.interfaces import UserInfo
from apiserver.webhooks.bykubeconfig import KubeconfigWebhook, WebhookFailed

logger = logging.getLogger(__name__)
_KEPT = 4096

Found = tuple[UserInfo, tuple[str, ...]]


class WebhookTokens:
    """Asks the webhook; what it says of a token is remembered for a while."""

    def __init__(self, webhook: KubeconfigWebhook, *, version: str, kept_seconds: float) -> None:
        """`version`: of authentication.k8s.io, "v1" or "v1beta1"."""
        self._webhook = webhook
        self._version = version
        self._kept_seconds = kept_seconds
        self._answers: dict[bytes, tuple[float, Found | None]] = {}

    async def user(self, token: str, audiences: Collection[str]) -> Found | None:
        """The user of a token and which of `audiences` it is for; None where the webhook does not know it.

        Raises Unauthorized where it does not answer."""
        key = hashlib.sha256("\0".join((token, *audiences)).encode()).digest()
        now = time.monotonic()
        kept = self._answers.get(key)
        if kept is not None and now < kept[0]:
            return kept[1]
        review = {
            "apiVersion": f"authentication.k8s.io/{self._version}",
            "kind": "TokenReview",
            "metadata": {"creationTimestamp": None},
            "spec": {"token": token, "audiences": list(audiences)},
            "status": {"user": {}},
        }
        try:
            answer = await self._webhook.post(review)
        except WebhookFailed as error:
            logger.error("Failed to make webhook authenticator request", extra={"error": str(error)})
            raise Unauthorized("Unauthorized") from error
        found = understood(answer, audiences)
        if len(self._answers) >= _KEPT:
            self._answers.clear()
        self._answers[key] = (now + self._kept_seconds, found)
        return found

    async def close(self) -> None:
        """Give the connections back."""
        await self._webhook.close()


def understood(review: Object, audiences: Collection[str]) -> Found | None:
    """The user of an answered TokenReview, and for which of the audiences. Pure."""
    status = review.get("status")
    if not isinstance(status, dict) or not status.get("authenticated"):
        return None
    said = status.get("audiences") or ()
    # One that says nothing of audiences does not look at them: its tokens are good for the server's own.
    good = tuple(each for each in audiences if each in said) if said else tuple(audiences)
    if audiences and not good:
        return None
    user = status.get("user") or {}
    extra = {str(key).lower(): tuple(values or ()) for key, values in (user.get("extra") or {}).items()}
    return UserInfo(user.get("username") or "", user.get("uid") or "", tuple(user.get("groups") or ()), extra), good
