"""Asks the metrics of one autoscaler how many replicas there should be, one spec.metrics entry after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apimachinery import labels, quantity
from apimachinery.errors import ApiError
from apimachinery.objects import Object
from controller.horizontalpodautoscaler import replicas
from controller.horizontalpodautoscaler.metrics import Metrics
from controller.horizontalpodautoscaler.replicas import NoAnswer, Settings, Usage
from controller.horizontalpodautoscaler.targets import Targets

#: The reason of the Event and the condition where a source gives no answer.
_REASONS = {
    "Resource": "FailedGetResourceMetric",
    "ContainerResource": "FailedGetContainerResourceMetric",
    "Pods": "FailedGetPodsMetric",
    "Object": "FailedGetObjectMetric",
    "External": "FailedGetExternalMetric",
}


@dataclass(frozen=True, slots=True)
class Scaled:
    """What is scaled, as it is now."""

    namespace: str
    selector: str  #: of its pods
    spec_replicas: int
    status_replicas: int
    pods: list[Object]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One metric's answer."""

    replicas: int
    name: str  #: for Events: "cpu resource utilization (percentage of request)"
    status: Object  #: its entry of status.currentMetrics


@dataclass(frozen=True, slots=True)
class Failure:
    """One metric's silence."""

    reason: str
    message: str  #: of the condition and the metric's own Event
    summary: str  #: in the Event about all metrics


class Evaluator:
    """Reads metrics; decides nothing."""

    def __init__(self, metrics: Metrics, targets: Targets, settings: Settings) -> None:
        self._metrics = metrics
        self._targets = targets
        self._settings = settings

    async def evaluate(self, metric: Object, scaled: Scaled, now: datetime) -> Proposal | Failure:
        """The answer of one entry of spec.metrics."""
        sources = {
            "Resource": self._resource,
            "ContainerResource": self._resource,
            "Pods": self._pods,
            "Object": self._object,
            "External": self._external,
        }
        kind = metric["type"]
        if kind not in sources:
            text = f'unknown metric source type "{kind}"'
            return Failure("InvalidMetricSourceType", text, text)
        field = kind[0].lower() + kind[1:]
        try:
            return await sources[kind](metric[field], field, scaled, now)
        except (NoAnswer, ApiError, ValueError) as error:
            subject = f"{metric[field]['name']} {'container' if 'container' in metric[field] else 'resource'}"
            if kind not in ("Resource", "ContainerResource"):
                subject = field
            return Failure(_REASONS[kind], str(error), f"failed to get {subject} metric value: {error}")

    async def _resource(self, source: Object, field: str, scaled: Scaled, now: datetime) -> Proposal:
        name, container, target = source["name"], source.get("container") or "", source["target"]
        try:
            samples = await self._metrics.resource(name, scaled.namespace, scaled.selector, container)
        except NoAnswer as error:
            raise NoAnswer(
                f"failed to get {name} utilization: unable to get metrics for resource {name}: {error}"
            ) from error
        current: Object = {}
        try:
            if "averageValue" in target:
                wanted = _milli(target["averageValue"])
                count, usage = replicas.by_average(
                    scaled.spec_replicas, wanted, samples, scaled.pods, name, self._settings, now
                )
                text = f"{name} resource"
            else:
                percent = target["averageUtilization"]
                requests = replicas.requests_of(scaled.pods, name, container)
                count, usage = replicas.by_utilization(
                    scaled.spec_replicas, percent, samples, scaled.pods, requests, name, self._settings, now
                )
                current["averageUtilization"] = usage.utilization
                text = f"{name} resource utilization (percentage of request)"
        except NoAnswer as error:
            raise NoAnswer(f"failed to get {name} utilization: {error}") from error
        current["averageValue"] = _text(usage.average)
        about = {"name": name, **({"container": container} if container else {})}
        return Proposal(count, text, _status(field, {**about, "current": current}))

    async def _pods(self, source: Object, field: str, scaled: Scaled, now: datetime) -> Proposal:
        metric, wanted = source["metric"], _milli(source["target"]["averageValue"])
        selector = str(labels.from_label_selector(metric["selector"])) if "selector" in metric else ""
        try:
            samples = await self._metrics.pods(metric["name"], scaled.namespace, scaled.selector, selector)
        except NoAnswer as error:
            raise NoAnswer(f"unable to get metric {metric['name']}: {error}") from error
        usage: Usage
        count, usage = replicas.by_average(scaled.spec_replicas, wanted, samples, scaled.pods, "", self._settings, now)
        current = {"averageValue": _text(usage.average)}
        return Proposal(count, f"pods metric {metric['name']}", _status(field, {"metric": metric, "current": current}))

    async def _object(self, source: Object, field: str, scaled: Scaled, now: datetime) -> Proposal:
        metric, about, target = source["metric"], source["describedObject"], source["target"]
        selector = str(labels.from_label_selector(metric["selector"])) if "selector" in metric else ""
        try:
            resource = await self._targets.resource(about)
            value = await self._metrics.object(metric["name"], scaled.namespace, resource, about["name"], selector)
        except (NoAnswer, ApiError) as error:
            where = f"{about['kind']} {scaled.namespace}/{about['name']}"
            raise NoAnswer(f"unable to get metric {metric['name']}: {error} on {where}") from error
        count, current = self._of_value(target, value, scaled)
        text = f"{about['kind']} metric {metric['name']}"
        return Proposal(count, text, _status(field, {"metric": metric, "describedObject": about, "current": current}))

    async def _external(self, source: Object, field: str, scaled: Scaled, now: datetime) -> Proposal:
        metric, target = source["metric"], source["target"]
        selector = str(labels.from_label_selector(metric["selector"])) if "selector" in metric else ""
        try:
            value = await self._metrics.external(metric["name"], scaled.namespace, selector)
        except NoAnswer as error:
            where = f"{scaled.namespace}/{metric['name']}/{selector or 'nil'}"
            raise NoAnswer(f"unable to get external metric {where}: {error}") from error
        count, current = self._of_value(target, value, scaled)
        text = f"external metric {metric['name']}({selector or 'nil'})"
        return Proposal(count, text, _status(field, {"metric": metric, "current": current}))

    def _of_value(self, target: Object, value: int, scaled: Scaled) -> tuple[int, Object]:
        """(replicas, current) for one value that all pods share."""
        if "averageValue" in target:
            wanted = _milli(target["averageValue"])
            count, share = replicas.by_value_per_pod(scaled.status_replicas, wanted, value, self._settings)
            return count, {"averageValue": _text(share)}
        count = replicas.by_value(scaled.spec_replicas, _milli(target["value"]), value, scaled.pods, self._settings)
        return count, {"value": _text(value)}


def choose(answers: Sequence[Proposal | Failure], spec_replicas: int) -> tuple[Proposal | None, Failure | None]:
    """(the answer that asks for most, the first failure): no answer where none can be had, or where one is missing
    and the rest would scale down. Pure."""
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    proposals = [answer for answer in answers if isinstance(answer, Proposal)]
    best = max(proposals, key=lambda proposal: proposal.replicas, default=None)
    if best is not None and failures and best.replicas < spec_replicas:
        best = None
    return best, failures[0] if failures else None


def _status(field: str, content: Object) -> Object:
    return {"type": field[0].upper() + field[1:], field: content}


def _milli(value: Any) -> int:
    return quantity.parse(value).milli_value()


def _text(milli: int) -> str:
    return str(quantity.from_milli(milli))
