"""MutatingAdmissionWebhook and ValidatingAdmissionWebhook.

Mutating webhooks are called one after the other by the names of their configurations, and once more where they ask
for that and something later changed the object (`reinvocation`); validating ones all at once. A webhook that cannot
be reached refuses the request or is passed over, as its failurePolicy says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import orjson

from api.catalog import KINDS
from api.resources import MUTATING_WEBHOOKS, NAMESPACES, VALIDATING_WEBHOOKS
from apimachinery.errors import ApiError, BadRequest, InternalError
from apimachinery.objects import Object, deep_copy
from apimachinery.patch import json_patch
from apimachinery.uids import new_uid
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.admission.expressions import Checks, variables_of
from apiserver.admission.webhooks import metrics
from apiserver.admission.webhooks.conditions import ConditionFailed, hold
from apiserver.admission.webhooks.matching import Invocation, invocations
from apiserver.admission.webhooks.reinvocation import Again
from apiserver.admission.webhooks.review import BadAnswer, Kind, Verdict, denied, review, verdict
from apiserver.interfaces import Attributes
from apiserver.webhooks.caller import CallFailed

logger = logging.getLogger(__name__)
_DEFAULT_SECONDS = 10
_REVIEW_VERSIONS = ("v1", "v1beta1")
_NO_VERSION = "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)"
#: The new and the old object.
Objects = tuple[Object | None, Object | None]
_VERBS = frozenset({"create", "update", "delete", "connect"})
_KINDS = {(kind.resource.group, kind.resource.plural): kind.resource.kind for kind in KINDS}


class _WebhookPlugin(Plugin):
    """What both kinds share: finding the webhooks of a request, and calling one."""

    verbs = _VERBS
    kind = ""  #: "admit" or "validating", as metrics say it
    failed_open = ""  #: "mutating" or "validating", as audit annotations say it

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        self._caller = setting.webhooks
        self._versions = setting.versions
        self._authorizer = setting.authorizer

    def _concerned(
        self, configurations: Sequence[Object], attributes: Attributes, objects: Objects
    ) -> list[Invocation]:
        namespace = self._api.get(NAMESPACES, "", attributes.namespace) if attributes.namespace else None
        versions = self._versions.of(attributes)
        return list(invocations(configurations, attributes, versions, objects, namespace))

    async def _sent(self, invocation: Invocation, attributes: Attributes, objects: Objects) -> Objects:
        """Private copies of the objects in the version that the webhook asks for."""
        if invocation.resource is None:
            return deep_copy(objects[0]), deep_copy(objects[1])
        shown = self._versions.shown
        obj, old = objects
        return (
            await shown(attributes, obj, invocation.resource) if obj is not None else None,
            await shown(attributes, old, invocation.resource) if old is not None else None,
        )

    async def _call(self, invocation: Invocation, attributes: Attributes, sent: Objects, round_: int) -> Verdict | None:
        """What it says of the objects, in the version it is sent; None where it is not to be asked, or failed and may.

        Raises InternalError where it must not fail, BadRequest for a dry run that it would not survive without effects,
        Forbidden where its match conditions have no answer."""
        webhook, name = invocation.webhook, invocation.webhook.get("name") or ""
        uid, version = new_uid(), _review_version(webhook)
        resource = invocation.resource
        own = kind_of(attributes, *sent)
        kinds = own, _requested(attributes, own)
        asked = review(attributes, kinds, resource, sent, uid, version or _REVIEW_VERSIONS[0])
        if not await self._conditions_hold(webhook, attributes, asked):
            return None
        verb = operation(attributes).upper()
        if attributes.dry_run and webhook.get("sideEffects") not in ("None", "NoneOnDryRun"):
            raise BadRequest(f'admission webhook "{name}" does not support dry run')
        if not version:
            self._failed(invocation, attributes, _NO_VERSION, round_)
            return None
        seconds = float(webhook.get("timeoutSeconds") or _DEFAULT_SECONDS)
        started = perf_counter()
        rejected = "true"
        try:
            body = await self._caller.call(webhook.get("clientConfig") or {}, asked, seconds)
            answered = verdict(body, uid, version, mutating=self.kind == "admit")
            rejected = "false" if answered.allowed else "true"
        except CallFailed as error:
            self._failed(invocation, attributes, f"failed to call webhook: {error}", round_)
            return None
        except BadAnswer as error:
            self._failed(invocation, attributes, f"received invalid webhook response: {error}", round_)
            return None
        finally:
            metrics.SECONDS.labels(name, self.kind, verb, rejected).observe(perf_counter() - started)
        self._note(attributes, name, answered)
        code = answered.status.get("code") or 400
        metrics.REQUESTS.labels(name, self.kind, verb, "200" if answered.allowed else str(code), rejected).inc()
        if not answered.allowed:
            metrics.REJECTIONS.labels(name, self.kind, verb, "no_error", str(code)).inc()
            raise denied(name, answered.status)
        return answered

    @staticmethod
    def _note(attributes: Attributes, name: str, answered: Verdict) -> None:
        attributes.notes.warnings += answered.warnings
        for key, value in answered.annotations.items():
            attributes.notes.annotations[f"{name}/{key}"] = value

    async def _conditions_hold(self, webhook: Object, attributes: Attributes, asked: Object) -> bool:
        conditions = webhook.get("matchConditions")
        if not conditions:
            return True
        labels = (webhook.get("name") or "", "webhook", self.kind, operation(attributes).upper())
        try:
            variables = variables_of(attributes, asked)
            held = await Checks(attributes, self._authorizer).evaluated(lambda: hold(conditions, variables))
        except ConditionFailed as error:
            metrics.EVALUATION_ERRORS.labels(*labels).inc()
            if (webhook.get("failurePolicy") or "Fail") == "Fail":
                raise refuse(attributes, str(error)) from error
            return False
        if not held:
            metrics.EXCLUSIONS.labels(*labels).inc()
        return held

    def _failed(self, invocation: Invocation, attributes: Attributes, why: str, round_: int) -> None:
        webhook, verb = invocation.webhook, operation(attributes).upper()
        name = webhook.get("name") or ""
        logger.warning("Webhook failed", extra={"webhook": name, "reason": why})
        if (webhook.get("failurePolicy") or "Fail") == "Fail":
            metrics.REJECTIONS.labels(name, self.kind, verb, "calling_webhook_error", "0").inc()
            metrics.REQUESTS.labels(name, self.kind, verb, "500", "true").inc()
            raise InternalError(f'Internal error occurred: failed calling webhook "{name}": {why}')
        metrics.FAILED_OPEN.labels(name, self.kind).inc()
        place = f"round_{round_}_index_{invocation.index}"
        attributes.notes.annotations[f"failed-open.{self.failed_open}.webhook.admission.k8s.io/{place}"] = name


class MutatingAdmissionWebhook(_WebhookPlugin):
    """Webhooks that may change the object."""

    name = "MutatingAdmissionWebhook"
    kind = "admit"
    failed_open = "mutating"

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Apply their patches to `obj`; raises ApiError where one refuses."""
        configurations = self._api.list(MUTATING_WEBHOOKS)
        if not configurations:
            return
        again = attributes.notes.again
        if again is None:
            again = attributes.notes.again = Again()
        again.seen(obj)
        for invocation in self._concerned(configurations, attributes, (obj, old)):
            if not again.concerns(invocation.uid):
                continue
            if await self._mutate(invocation, attributes, obj, old, again.round):
                again.changed()
            if invocation.webhook.get("reinvocationPolicy") == "IfNeeded":
                again.asked(invocation.uid)
        again.left(obj)

    async def _mutate(
        self, invocation: Invocation, attributes: Attributes, obj: Object | None, old: Object | None, round_: int
    ) -> bool:
        """Whether it changed the object."""
        sent = await self._sent(invocation, attributes, (obj, old))
        answered = await self._call(invocation, attributes, sent, round_)
        changed = False
        if answered is not None and answered.patch:
            changed = await self._patched(invocation, attributes, obj, sent[0], answered.patch)
        if answered is not None:
            self._annotate(invocation, attributes, round_, answered.patch, changed=changed)
        return changed

    async def _patched(
        self,
        invocation: Invocation,
        attributes: Attributes,
        obj: Object | None,
        sent: Object | None,
        patch: Sequence[Any],
    ) -> bool:
        name = invocation.webhook.get("name") or ""
        if obj is None or sent is None:
            why = "attempted to modify the object, which is not supported for this operation"
            raise InternalError(f'Internal error occurred: admission webhook "{name}" {why}')
        try:
            changed = json_patch.apply(sent, list(patch))
        except ApiError as error:
            raise InternalError(f"Internal error occurred: {error.message}") from error
        if changed == sent:
            return False
        if invocation.resource is not None:
            changed = await self._versions.taken(attributes, changed, invocation.resource)
        obj.clear()
        obj.update(changed)
        return True

    @staticmethod
    def _annotate(
        invocation: Invocation, attributes: Attributes, round_: int, patch: Sequence[Any] | None, *, changed: bool
    ) -> None:
        place = f"round_{round_}_index_{invocation.index}"
        who = {"configuration": invocation.configuration, "webhook": invocation.webhook.get("name") or ""}
        notes = attributes.notes
        said = orjson.dumps({**who, "mutated": changed}).decode()
        notes.annotations[f"mutation.webhook.admission.k8s.io/{place}"] = said
        if patch:
            detail = orjson.dumps({**who, "patch": list(patch), "patchType": "JSONPatch"}).decode()
            notes.detailed[f"patch.webhook.admission.k8s.io/{place}"] = detail


class ValidatingAdmissionWebhook(_WebhookPlugin):
    """Webhooks that may only refuse."""

    name = "ValidatingAdmissionWebhook"
    kind = "validating"
    failed_open = "validating"

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """No warnings of its own (theirs are noted); raises the first refusal in the order of the configurations."""
        configurations = self._api.list(VALIDATING_WEBHOOKS)
        if not configurations:
            return []
        concerned = self._concerned(configurations, attributes, (obj, old))
        verdicts = await asyncio.gather(
            *(self._asked(each, attributes, (obj, old)) for each in concerned), return_exceptions=True
        )
        for result in verdicts:
            if isinstance(result, BaseException):
                raise result
        return []

    async def _asked(self, invocation: Invocation, attributes: Attributes, objects: Objects) -> None:
        await self._call(invocation, attributes, await self._sent(invocation, attributes, objects), 0)


def _review_version(webhook: Object) -> str:
    """The first of the versions it accepts that is spoken here; "" where there is none."""
    accepted = webhook.get("admissionReviewVersions") or ()
    return next((version for version in accepted if version in _REVIEW_VERSIONS), "")


def kind_of(attributes: Attributes, obj: Object | None, old: Object | None) -> Kind:
    """Group, version and kind of the object: as it says itself, or as its resource has it."""
    for item in (obj, old):
        if item is not None and item.get("kind") and item.get("apiVersion"):
            group, _, version = str(item["apiVersion"]).rpartition("/")
            return group, version, str(item["kind"])
    return attributes.group, attributes.version, _KINDS.get((attributes.group, attributes.resource), "")


def _requested(attributes: Attributes, sent: Kind) -> Kind:
    """The same as the client wrote it: another version where the webhook is sent an equivalent one."""
    own = _KINDS.get((attributes.group, attributes.resource), sent[2])
    return (attributes.group, attributes.version, own) if sent[2] == own else sent
