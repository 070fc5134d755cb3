"""MutatingAdmissionWebhook and ValidatingAdmissionWebhook.

Mutating webhooks are called one after the other by the names of their configurations, and once more where they ask
for that and a later one changed the object; validating ones all at once. A webhook that cannot be reached refuses the
request or is passed over, as its failurePolicy says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from uuid import uuid4

from api.catalog import KINDS
from api.resources import MUTATING_WEBHOOKS, NAMESPACES, VALIDATING_WEBHOOKS
from apimachinery.errors import ApiError, BadRequest, InternalError
from apimachinery.objects import Object, deep_copy
from apimachinery.patch import json_patch
from apiserver.admission.base import Plugin, Setting
from apiserver.admission.webhooks.matching import concerns, webhooks_of
from apiserver.admission.webhooks.review import BadAnswer, Verdict, denied, review, verdict
from apiserver.interfaces import Attributes
from apiserver.webhooks.caller import CallFailed

logger = logging.getLogger(__name__)
_DEFAULT_SECONDS = 10
_REVIEW_VERSIONS = ("v1", "v1beta1")
_VERBS = frozenset({"create", "update", "delete", "connect"})
_KINDS = {(kind.resource.group, kind.resource.plural): kind.resource.kind for kind in KINDS}


class _WebhookPlugin(Plugin):
    """What both kinds share: finding the webhooks of a request, and calling one."""

    verbs = _VERBS

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        self._caller = setting.webhooks

    async def _call(
        self, webhook: Object, attributes: Attributes, obj: Object | None, old: Object | None
    ) -> Verdict | None:
        """What it says; None where it failed and may. Raises InternalError where it must not, BadRequest for a dry run
        that it would not survive without effects."""
        name = webhook.get("name") or ""
        if attributes.dry_run and webhook.get("sideEffects") not in ("None", "NoneOnDryRun"):
            raise BadRequest(f'admission webhook "{name}" does not support dry run')
        uid = str(uuid4())
        try:
            version = next(item for item in webhook.get("admissionReviewVersions") or () if item in _REVIEW_VERSIONS)
        except StopIteration:
            return self._failed(webhook, "webhook does not accept known AdmissionReview versions (v1, v1beta1)")
        if webhook.get("matchConditions"):
            return self._failed(webhook, "this server does not evaluate matchConditions")
        asked = review(attributes, _kind(attributes, obj, old), obj, old, uid, version)
        seconds = float(webhook.get("timeoutSeconds") or _DEFAULT_SECONDS)
        try:
            body = await self._caller.call(webhook.get("clientConfig") or {}, asked, seconds)
            answered = verdict(body, uid, version)
        except (CallFailed, BadAnswer) as error:
            return self._failed(webhook, str(error))
        if not answered.allowed:
            raise denied(name, answered.status)
        return answered

    @staticmethod
    def _failed(webhook: Object, why: str) -> None:
        name = webhook.get("name") or ""
        logger.warning("Webhook failed", extra={"webhook": name, "reason": why})
        if (webhook.get("failurePolicy") or "Fail") == "Fail":
            raise InternalError(f'Internal error occurred: failed calling webhook "{name}": {why}')

    def _concerned(
        self, configurations: Sequence[Object], attributes: Attributes, obj: Object | None, old: Object | None
    ) -> list[Object]:
        if not configurations:
            return []
        namespace = self._api.get(NAMESPACES, "", attributes.namespace) if attributes.namespace else None
        return [
            webhook for _, webhook in webhooks_of(configurations) if concerns(webhook, attributes, obj, old, namespace)
        ]


class MutatingAdmissionWebhook(_WebhookPlugin):
    """Webhooks that may change the object."""

    name = "MutatingAdmissionWebhook"

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Apply their patches to `obj`; raises ApiError where one refuses."""
        configurations = self._api.list(MUTATING_WEBHOOKS)
        if not configurations:
            return
        again: list[tuple[Object, Object]] = []  # webhooks to be asked again, and what they made of the object
        for webhook in self._concerned(configurations, attributes, obj, old):
            await self._mutate(webhook, attributes, obj, old)
            if obj is not None and webhook.get("reinvocationPolicy") == "IfNeeded":
                again.append((webhook, deep_copy(obj)))
        for webhook, left in again:
            if left != obj:
                await self._mutate(webhook, attributes, obj, old)

    async def _mutate(self, webhook: Object, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        answered = await self._call(webhook, attributes, obj, old)
        if answered is None or answered.patch is None or obj is None:
            return
        try:
            changed = json_patch.apply(obj, list(answered.patch))
        except ApiError as error:
            name = webhook.get("name") or ""
            why = f'Internal error occurred: failed to apply patch of webhook "{name}": {error.message}'
            raise InternalError(why) from error
        obj.clear()
        obj.update(changed)


class ValidatingAdmissionWebhook(_WebhookPlugin):
    """Webhooks that may only refuse."""

    name = "ValidatingAdmissionWebhook"

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Their warnings; raises the first refusal in the order of the configurations."""
        configurations = self._api.list(VALIDATING_WEBHOOKS)
        if not configurations:
            return []
        concerned = self._concerned(configurations, attributes, obj, old)
        verdicts = await asyncio.gather(
            *(self._call(webhook, attributes, obj, old) for webhook in concerned), return_exceptions=True
        )
        warnings: list[str] = []
        for result in verdicts:
            if isinstance(result, BaseException):
                raise result
            if result is not None:
                warnings += result.warnings
        return warnings


def _kind(attributes: Attributes, obj: Object | None, old: Object | None) -> tuple[str, str, str]:
    """Group, version and kind of the object: as it says itself, or as its resource has it."""
    for item in (obj, old):
        if item is not None and item.get("kind") and item.get("apiVersion"):
            group, _, version = str(item["apiVersion"]).rpartition("/")
            return group, version, str(item["kind"])
    return attributes.group, attributes.version, _KINDS.get((attributes.group, attributes.resource), "")
