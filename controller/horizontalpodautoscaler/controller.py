"""Scales what autoscalers name. Looked at every --horizontal-pod-autoscaler-sync-period; what is to be done is decided
in `replicas.py` (by metrics) and `limits.py` (how far at once)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from api.resources import HORIZONTAL_POD_AUTOSCALERS, PODS
from apimachinery import labels
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.objects import Object, format_time, key_of, labels_of, namespace_of, split_key
from controller.conditions import find
from controller.context import Context
from controller.horizontalpodautoscaler.evaluate import Evaluator, Failure, Proposal, Scaled, choose
from controller.horizontalpodautoscaler.limits import Change, History, Limited, limit, minimum_of, remember_scaling
from controller.horizontalpodautoscaler.metrics import Metrics
from controller.horizontalpodautoscaler.replicas import Settings
from controller.horizontalpodautoscaler.targets import Targets
from controller.loop import Controller

logger = logging.getLogger(__name__)
_ABLE, _ACTIVE, _LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"


class _Unable(Exception):
    """Nothing can be decided now; what there is to say is in the conditions."""


class HorizontalPodAutoscalerController(Controller):
    """Keys are "namespace/name" of autoscalers."""

    name = "horizontalpodautoscaler"

    def __init__(
        self, context: Context, settings: Settings, *, period: timedelta, downscale_window: timedelta, workers: int = 5
    ) -> None:
        super().__init__(context, workers=workers)
        self._period = period.total_seconds()
        self._downscale_window = downscale_window
        self._recorder = context.recorder("horizontal-pod-autoscaler")
        self._targets = Targets(self.client)
        self._evaluator = Evaluator(Metrics(self.client), self._targets, settings)
        self._histories: dict[str, History] = {}
        self._selectors: dict[str, str] = {}
        self._autoscalers = self.watch(HORIZONTAL_POD_AUTOSCALERS)
        self._pods = self.watch(PODS)
        self._autoscalers.on_change(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        """The status that we write ourselves is no reason to look again."""
        if old is None or new is None or old["spec"] != new["spec"]:
            self.enqueue_changed(old, new)

    async def sync(self, key: str) -> None:
        """One look, and the next one queued."""
        autoscaler = self._autoscalers.store.get(key)
        if autoscaler is None:
            self._histories.pop(key, None)
            self._selectors.pop(key, None)
            return
        self.queue.add_after(key, self._period)
        look = Look(autoscaler, format_time(self.context.clock()))
        try:
            await self._look(key, look)
        except _Unable as error:
            logger.info("Cannot autoscale", extra={"autoscaler": key, "error": str(error)})
        await self._write(autoscaler, look.status)

    async def _look(self, key: str, look: Look) -> None:
        autoscaler, spec = look.autoscaler, look.autoscaler["spec"]
        reference = spec["scaleTargetRef"]
        try:
            resource = await self._targets.resource(reference)
            scale = await self._targets.scale(resource, namespace_of(autoscaler), reference["name"])
        except ApiError as error:
            self._warn(autoscaler, "FailedGetScale", error.message)
            text = f"the HPA controller was unable to get the target's current scale: {error.message}"
            look.set(_ABLE, False, "FailedGetScale", text)
            raise _Unable(text) from error
        look.set(_ABLE, True, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        current = (scale.get("spec") or {}).get("replicas") or 0
        history = self._histories.setdefault(key, History((Change(self.context.clock(), current),)))
        look.replicas(current, (look.status.get("desiredReplicas") or 0), look.status.get("currentMetrics"))
        desired, why, metrics = await self._desired(key, look, scale, current, history)
        if desired != current:
            await self._rescale(key, look, resource, scale, desired, why)
        look.replicas(current, desired, metrics)

    async def _desired(
        self, key: str, look: Look, scale: Object, current: int, history: History
    ) -> tuple[int, str, list[Object] | None]:
        """(replicas, why, what was measured)."""
        spec = look.autoscaler["spec"]
        least, most = minimum_of(spec), spec["maxReplicas"]
        if current == 0 and least != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            look.set(_ACTIVE, False, "ScalingDisabled", text)
            return 0, "", None
        if current > most:
            return most, "Current number of replicas above Spec.MaxReplicas", None
        if current < least:
            return least, "Current number of replicas below Spec.MinReplicas", None
        best, measured = await self._measure(key, look, scale, current)
        why = f"{best.name} above target" if best.replicas > current else "All metrics below target"
        limited = limit(
            spec, current, best.replicas, history, now=self.context.clock(), downscale_window=self._downscale_window
        )
        self._histories[key] = limited.history
        look.limited(limited)
        return limited.replicas, why, measured

    async def _measure(self, key: str, look: Look, scale: Object, current: int) -> tuple[Proposal, list[Object]]:
        """(the metric that asks for most, all that were measured)."""
        autoscaler = look.autoscaler
        status = scale.get("status") or {}
        scaled = Scaled(
            namespace_of(autoscaler), status.get("selector") or "", current, status.get("replicas") or 0,
            self._selected(key, look, status.get("selector") or ""),
        )  # fmt: skip
        now = self.context.clock()
        metrics: list[Object] = autoscaler["spec"].get("metrics") or []
        answers = [await self._evaluator.evaluate(metric, scaled, now) for metric in metrics]
        for answer in answers:
            if isinstance(answer, Failure):
                self._warn(autoscaler, answer.reason, answer.message)
        best, failure = choose(answers, current)
        failures = sum(isinstance(answer, Failure) for answer in answers)
        if failure is not None:
            count = f"{failures} invalid out of {len(metrics)}"
            text = f"invalid metrics ({count}), first error is: {failure.summary}"
            self._warn(autoscaler, "FailedComputeMetricsReplicas", text)
        if best is None:
            if failure is None:
                raise _Unable("there are no metrics")
            text = f"the HPA was unable to compute the replica count: {failure.message}"
            look.set(_ACTIVE, False, failure.reason, text)
            raise _Unable(text)
        text = f"the HPA was able to successfully calculate a replica count from {best.name}"
        look.set(_ACTIVE, True, "ValidMetricFound", text)
        return best, [answer.status for answer in answers if isinstance(answer, Proposal)]

    def _selected(self, key: str, look: Look, text: str) -> list[Object]:
        """The pods of the scaled object, which no other autoscaler may have as well."""
        autoscaler = look.autoscaler
        if not text:
            self._warn(autoscaler, "SelectorRequired", "selector is required")
            message = "the HPA target's scale is missing a selector"
            look.set(_ACTIVE, False, "InvalidSelector", message)
            raise _Unable(message)
        try:
            selector = labels.parse(text)
        except ValueError as error:
            message = f"couldn't convert selector into a corresponding internal selector object: {error}"
            self._warn(autoscaler, "InvalidSelector", message)
            look.set(_ACTIVE, False, "InvalidSelector", message)
            raise _Unable(message) from error
        self._selectors[key] = text
        namespace = namespace_of(autoscaler)
        pods = [pod for pod in self._pods.store.list(namespace) if selector.matches(labels_of(pod))]
        rivals = self._rivals(namespace, pods)
        if len(rivals) > 1:
            message = f"pods by selector {text} are controlled by multiple HPAs: [{' '.join(rivals)}]"
            self._warn(autoscaler, "AmbiguousSelector", message)
            look.set(_ACTIVE, False, "AmbiguousSelector", message)
            raise _Unable(message)
        return pods

    def _rivals(self, namespace: str, pods: Sequence[Object]) -> list[str]:
        """The autoscalers of the namespace that select any of the pods."""
        found = []
        for key, text in sorted(self._selectors.items()):
            if split_key(key)[0] == namespace:
                selector = labels.parse(text)
                if any(selector.matches(labels_of(pod)) for pod in pods):
                    found.append(key)
        return found

    async def _rescale(self, key: str, look: Look, resource: Any, scale: Object, desired: int, why: str) -> None:
        autoscaler, before = look.autoscaler, (scale.get("spec") or {}).get("replicas") or 0
        try:
            await self._targets.set_scale(resource, scale, desired)
        except ApiError as error:
            self._warn(autoscaler, "FailedRescale", f"New size: {desired}; reason: {why}; error: {error.message}")
            text = f"the HPA controller was unable to update the target scale: {error.message}"
            look.set(_ABLE, False, "FailedUpdateScale", text)
            raise _Unable(text) from error
        text = f"the HPA controller was able to update the target scale to {desired}"
        look.set(_ABLE, True, "SucceededRescale", text)
        look.status["lastScaleTime"] = look.now
        self._recorder.event(autoscaler, "Normal", "SuccessfulRescale", f"New size: {desired}; reason: {why}")
        self._histories[key] = remember_scaling(
            autoscaler["spec"], before, desired, self._histories[key], self.context.clock()
        )

    def _warn(self, autoscaler: Object, reason: str, message: str) -> None:
        self._recorder.event(autoscaler, "Warning", reason, message)

    async def _write(self, autoscaler: Object, status: Object) -> None:
        if status == (autoscaler.get("status") or {}):
            return
        try:
            await self.client.update(HORIZONTAL_POD_AUTOSCALERS, {**autoscaler, "status": status}, subresource="status")
        except (NotFound, Conflict):
            logger.debug("Autoscaler changed meanwhile", extra={"autoscaler": key_of(autoscaler)})


class Look:
    """One look at one autoscaler: the status that comes of it."""

    def __init__(self, autoscaler: Object, now: str) -> None:
        self.autoscaler = autoscaler
        self.now = now
        self.status: Object = dict(autoscaler.get("status") or {})

    def set(self, type: str, value: bool, reason: str, message: str) -> None:
        """One condition, in its place; lastTransitionTime moves with the status only."""
        conditions: list[Object] = list(self.status.get("conditions") or ())
        status, old = "True" if value else "False", find(conditions, type)
        wanted = {"type": type, "status": status, "reason": reason, "message": message, "lastTransitionTime": self.now}
        if old is None:
            conditions.append(wanted)
        else:
            if old["status"] == status and old.get("lastTransitionTime"):
                wanted["lastTransitionTime"] = old["lastTransitionTime"]
            conditions[conditions.index(old)] = wanted
        self.status["conditions"] = conditions

    def limited(self, limited: Limited) -> None:
        """The conditions that say how the wish was shortened."""
        self.set(_ABLE, True, limited.stabilized.reason, limited.stabilized.message)
        self.set(_LIMITED, limited.is_limited, limited.limited.reason, limited.limited.message)

    def replicas(self, current: int, desired: int, metrics: list[Object] | None) -> None:
        """The numbers."""
        self.status |= {"currentReplicas": current, "desiredReplicas": desired, "currentMetrics": metrics}
