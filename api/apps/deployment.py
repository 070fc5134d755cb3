"""Deployments: defaults, rules, generation, status, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.apps import rollout
from api.core.pod.defaults import set_template_defaults
from api.core.pod.warnings import template_warnings
from api.core.replicationcontroller import nonnegative
from api.gosyntax import int_or_string, raw
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy, asks_for_something_new, bump_generation, restore
from api.table import AGE, NAME, age, container_images, container_names, format_label_selector
from api.validation.hostname import host_name_warnings
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Ready", description="How many of the wanted pods are ready."),
    Column(name="Up-to-date", description="How many pods have the current template."),
    Column(name="Available", description="How many pods have been ready long enough."),
    AGE,
    Column(name="Containers", priority=1, description="Names of the template's containers."),
    Column(name="Images", priority=1, description="Images of the template's containers."),
    Column(name="Selector", priority=1, description="The labels that select the pods."),
)
_TYPES = ("Recreate", "RollingUpdate")
_COUNTS = ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
           "unavailableReplicas", "collisionCount")  # fmt: skip


class DeploymentStrategy(SpecStrategy):
    """The Deployment itself."""

    def default(self, obj: Object) -> None:
        """SetDefaults_Deployment."""
        spec = obj.setdefault("spec", {})
        set_template_defaults(spec.setdefault("template", {}))
        spec.setdefault("replicas", 1)
        strategy = spec.setdefault("strategy", {})
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Annotations count for the generation too."""
        restore(new, old, "status")
        notes = [o["metadata"].get("annotations") or {} for o in (new, old)]
        bump_generation(new, old, new["spec"] != old["spec"] or notes[0] != notes[1])

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateDeployment."""
        spec = obj["spec"]
        errors = nonnegative(spec, ("replicas",), "spec")
        errors += rollout.validate_selector(spec.get("selector"), "deployment")
        errors += rollout.validate_selected_template(spec)
        errors += _validate_strategy(spec.get("strategy") or {})
        errors += nonnegative(spec, ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"), "spec")
        deadline = spec.get("progressDeadlineSeconds")
        if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
            text = "must be greater than minReadySeconds"
            errors.append(fe.invalid("spec.progressDeadlineSeconds", deadline, text))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateDeploymentUpdate; the selector stays."""
        return self.validate(new) + rollout.validate_immutable_selector(new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the name, and of the template in every new generation."""
        found = host_name_warnings(obj, old)
        if asks_for_something_new(obj, old):
            found += template_warnings(obj["spec"]["template"], "spec.template")
        return found


def _validate_strategy(strategy: dict[str, Any]) -> list[FieldError]:
    kind, rolling, path = strategy.get("type") or "", strategy.get("rollingUpdate"), "spec.strategy"
    if kind == "Recreate":
        if rolling is None:
            return []
        text = "may not be specified when strategy `type` is 'Recreate'"
        return [fe.forbidden(f"{path}.rollingUpdate", text)]
    if kind != "RollingUpdate":
        shown = "(*apps.RollingUpdateDeployment)(nil)" if rolling is None else "(*apps.RollingUpdateDeployment)(0xc0)"
        value = raw(f"apps.DeploymentStrategy{{Type:{fe.go_quote(kind)}, RollingUpdate:{shown}}}")
        return [fe.not_supported(path, value, _TYPES)]
    if rolling is None:
        return [fe.required(f"{path}.rollingUpdate", "this should be defaulted and never be nil")]
    path = f"{path}.rollingUpdate"
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    errors = rollout.validate_count_or_percent(unavailable, f"{path}.maxUnavailable")
    errors += rollout.validate_count_or_percent(surge, f"{path}.maxSurge")
    if not rollout.count_or_percent(unavailable) and not rollout.count_or_percent(surge):
        text = "may not be 0 when `maxSurge` is 0"
        errors.append(fe.invalid(f"{path}.maxUnavailable", raw(int_or_string(unavailable)), text))
    return errors + rollout.validate_at_most_all(unavailable, f"{path}.maxUnavailable")


class DeploymentStatusStrategy(StatusStrategy):
    """deployments/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateDeploymentStatusUpdate."""
        status, before = new.get("status") or {}, old.get("status") or {}
        errors = nonnegative(status, _COUNTS, "status")
        whole = status.get("replicas") or 0
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas"):
            if (count := status.get(field) or 0) > whole:
                errors.append(fe.invalid(f"status.{field}", count, "cannot be greater than status.replicas"))
        if (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
            text = "cannot be greater than readyReplicas"
            errors.append(fe.invalid("status.availableReplicas", status.get("availableReplicas") or 0, text))
        return errors + validate_collisions(status, before)


def validate_collisions(status: dict[str, Any], before: dict[str, Any]) -> list[FieldError]:
    """collisionCount only grows."""
    count, earlier = status.get("collisionCount"), before.get("collisionCount")
    if earlier is None or (count is not None and count >= earlier):
        return []
    return [fe.invalid("status.collisionCount", count or 0, "cannot be decremented")]


def cells(deployment: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = deployment.get("spec") or {}, deployment.get("status") or {}
    template = spec.get("template")
    return [
        deployment["metadata"].get("name"),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        age(deployment, now),
        container_names(template),
        container_images(template),
        format_label_selector(spec.get("selector")),
    ]


DEPLOYMENT = DeploymentStrategy()
DEPLOYMENT_STATUS = DeploymentStatusStrategy(DEPLOYMENT, keep_metadata=("labels",))
