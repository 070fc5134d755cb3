"""DaemonSets: defaults, rules, the two generations, status, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.apps import rollout
from api.apps.deployment import validate_collisions
from api.core.pod.defaults import set_template_defaults
from api.core.pod.warnings import template_warnings
from api.core.replicationcontroller import MISMATCH, nonnegative, validate_replica_template
from api.gosyntax import int_or_string, raw, string_map
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy
from api.table import AGE, NAME, age, container_images, container_names, format_label_selector, format_labels
from api.validation.labelselector import selects_everything, validate_label_selector
from apimachinery import fielderrors as fe
from apimachinery import labels
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of

COLUMNS = (
    NAME,
    Column(name="Desired", type="integer", description="On how many nodes a pod should run."),
    Column(name="Current", type="integer", description="On how many of them one does."),
    Column(name="Ready", type="integer", description="On how many of them it is ready."),
    Column(name="Up-to-date", type="integer", description="How many pods have the current template."),
    Column(name="Available", type="integer", description="How many pods have been ready long enough."),
    Column(name="Node Selector", description="The labels of the nodes that get a pod."),
    AGE,
    Column(name="Containers", priority=1, description="Names of the template's containers."),
    Column(name="Images", priority=1, description="Images of the template's containers."),
    Column(name="Selector", priority=1, description="The labels that select the pods."),
)
#: Where the generation of the template is shown.
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_COUNTS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
           "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
           "collisionCount")  # fmt: skip
_EVERYTHING = labels.from_map({})


class DaemonSetStrategy(SpecStrategy):
    """The DaemonSet itself."""

    empty_status = dict.fromkeys(sorted(_COUNTS[:4]), 0)

    def default(self, obj: Object) -> None:
        """SetDefaults_DaemonSet."""
        spec = obj.setdefault("spec", {})
        set_template_defaults(spec.setdefault("template", {}))
        strategy = spec.setdefault("updateStrategy", {})
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
        spec.setdefault("revisionHistoryLimit", 10)
        _set_template_generation(obj, _template_generation(obj))

    def prepare_create(self, obj: Object) -> None:
        """The template's generation begins with 1, like the object's."""
        super().prepare_create(obj)
        _set_template_generation(obj, max(1, _template_generation(obj)))

    def prepare_update(self, new: Object, old: Object) -> None:
        """A changed template is a new generation of it."""
        super().prepare_update(new, old)
        changed = new["spec"]["template"] != old["spec"]["template"]
        _set_template_generation(new, _template_generation(old) + changed)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateDaemonSet."""
        spec = obj["spec"]
        errors = _validate_selector(spec)
        errors += validate_replica_template(spec["template"], _EVERYTHING, "spec.template", "DaemonSet")
        errors += nonnegative(spec, ("minReadySeconds",), "spec")
        errors += _validate_strategy(spec.get("updateStrategy") or {})
        return errors + nonnegative(spec, ("revisionHistoryLimit",), "spec")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateDaemonSet and ValidateDaemonSetUpdate, so that every cause is told twice; the selector stays."""
        return self.validate(new) * 2 + rollout.validate_immutable_selector(new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the template where it is new."""
        if old is not None and _template_generation(obj) == _template_generation(old):
            return []
        return template_warnings(obj["spec"]["template"], "spec.template")


def _template_generation(obj: Object) -> int:
    try:
        return int(annotations_of(obj).get(TEMPLATE_GENERATION) or 0)
    except ValueError:
        return 0


def _set_template_generation(obj: Object, generation: int) -> None:
    obj["metadata"]["annotations"] = {**annotations_of(obj), TEMPLATE_GENERATION: str(generation)}


def _validate_selector(spec: Mapping[str, Any]) -> list[FieldError]:
    """Well-formed, fitting the template, and selecting something less than everything, told of in this order."""
    selector, carried = spec.get("selector"), spec["template"]["metadata"].get("labels")
    errors = validate_label_selector(selector, "spec.selector")
    matcher = rollout.compiled(selector)
    if matcher is not None and not matcher.matches(carried or {}):
        errors.append(fe.invalid("spec.template.metadata.labels", raw(string_map(carried)), MISMATCH))
    if selector is not None and selects_everything(selector):
        errors.append(rollout.selects_everything_error(selector, "daemonset"))
    return errors


def _validate_strategy(strategy: dict[str, Any]) -> list[FieldError]:
    kind, rolling, path = strategy.get("type") or "", strategy.get("rollingUpdate"), "spec.updateStrategy"
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        shown = "(*apps.RollingUpdateDaemonSet)(nil)" if rolling is None else "(*apps.RollingUpdateDaemonSet)(0xc0)"
        value = raw(f"apps.DaemonSetUpdateStrategy{{Type:{fe.go_quote(kind)}, RollingUpdate:{shown}}}")
        return [fe.not_supported(path, value, ("RollingUpdate", "OnDelete"))]
    path = f"{path}.rollingUpdate"
    if rolling is None:
        return [fe.required(path)]
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    errors = rollout.validate_count_or_percent(unavailable, f"{path}.maxUnavailable")
    errors += rollout.validate_count_or_percent(surge, f"{path}.maxSurge")
    errors += rollout.validate_at_most_all(unavailable, f"{path}.maxUnavailable")
    errors += rollout.validate_at_most_all(surge, f"{path}.maxSurge")
    some_unavailable, some_surge = rollout.count_or_percent(unavailable) != 0, rollout.count_or_percent(surge) != 0
    if some_unavailable and some_surge:
        text = "may not be set when maxUnavailable is non-zero"
        errors.append(fe.invalid(f"{path}.maxSurge", raw(int_or_string(surge)), text))
    elif not some_unavailable and not some_surge:
        errors.append(fe.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return errors


class DaemonSetStatusStrategy(StatusStrategy):
    """daemonsets/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateDaemonSetStatusUpdate."""
        status = new.get("status") or {}
        return nonnegative(status, _COUNTS, "status") + validate_collisions(status, old.get("status") or {})


def cells(daemon_set: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = daemon_set.get("spec") or {}, daemon_set.get("status") or {}
    template = spec.get("template") or {}
    return [
        daemon_set["metadata"].get("name"),
        status.get("desiredNumberScheduled") or 0,
        status.get("currentNumberScheduled") or 0,
        status.get("numberReady") or 0,
        status.get("updatedNumberScheduled") or 0,
        status.get("numberAvailable") or 0,
        format_labels((template.get("spec") or {}).get("nodeSelector")),
        age(daemon_set, now),
        container_names(template),
        container_images(template),
        format_label_selector(spec.get("selector")),
    ]


DAEMON_SET = DaemonSetStrategy()
DAEMON_SET_STATUS = DaemonSetStatusStrategy(DAEMON_SET)
