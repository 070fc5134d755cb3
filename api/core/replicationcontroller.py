"""ReplicationControllers: defaults, rules, status, table. Pure. ReplicaSets share the template rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.pod.defaults import set_template_defaults
from api.core.pod.spec import validate_pod_template
from api.core.pod.warnings import template_warnings
from api.gosyntax import raw, string_map
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy, asks_for_something_new
from api.table import AGE, NAME, age, container_images, container_names, format_labels
from api.validation.hostname import host_name_warnings
from apimachinery import fielderrors as fe
from apimachinery import labels
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

NOT_NEGATIVE = "must be greater than or equal to 0"
MISMATCH = "`selector` does not match template `labels`"

COLUMNS = (
    NAME,
    Column(name="Desired", type="integer", description="How many pods are wanted."),
    Column(name="Current", type="integer", description="How many pods there are."),
    Column(name="Ready", type="integer", description="How many pods are ready."),
    AGE,
    Column(name="Containers", priority=1, description="Names of the template's containers."),
    Column(name="Images", priority=1, description="Images of the template's containers."),
    Column(name="Selector", priority=1, description="The labels that select the pods."),
)


def nonnegative(values: Mapping[str, Any], fields: Sequence[str], path: str) -> list[FieldError]:
    """The fields, where given, are not below 0."""
    return [
        fe.invalid(f"{path}.{field}", values[field], NOT_NEGATIVE) for field in fields if (values.get(field) or 0) < 0
    ]


def validate_replica_template(
    template: Mapping[str, Any] | None, selector: labels.Selector, path: str, controller: str
) -> list[FieldError]:
    """The template of pods that are kept running: selected by the selector, restarted always, without deadline."""
    if template is None:
        return [fe.required(path)]
    errors: list[FieldError] = []
    carried = (template.get("metadata") or {}).get("labels")
    if not selector.empty and not selector.matches(carried or {}):
        errors.append(fe.invalid(f"{path}.metadata.labels", raw(string_map(carried)), MISMATCH))
    errors += validate_pod_template(dict(template), path)
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        errors.append(fe.not_supported(f"{path}.spec.restartPolicy", spec.get("restartPolicy") or "", ("Always",)))
    if "activeDeadlineSeconds" in spec:
        text = f"activeDeadlineSeconds in {controller} is not Supported"
        errors.append(fe.forbidden(f"{path}.spec.activeDeadlineSeconds", text))
    return errors


def validate_replica_status(status: Mapping[str, Any], path: str = "status") -> list[FieldError]:
    """Counts are not negative and parts are not larger than the whole."""
    counts = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")
    errors = nonnegative(status, counts, path)
    whole = status.get("replicas") or 0
    for field in counts[1:4]:
        if (count := status.get(field) or 0) > whole:
            errors.append(fe.invalid(f"{path}.{field}", count, "cannot be greater than status.replicas"))
    if (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
        text = "cannot be greater than readyReplicas"
        errors.append(fe.invalid(f"{path}.availableReplicas", status.get("availableReplicas") or 0, text))
    return errors


class ReplicationControllerStrategy(SpecStrategy):
    """The controller itself."""

    checks_metadata_anew = True

    empty_status = {"replicas": 0}

    def default(self, obj: Object) -> None:
        """Labels and selector default to the template's labels, replicas to 1."""
        spec = obj.setdefault("spec", {})
        carried = None
        if (template := spec.get("template")) is not None:
            set_template_defaults(template)
            carried = template["metadata"].get("labels")
        if carried:
            if not spec.get("selector"):
                spec["selector"] = dict(carried)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = dict(carried)
        spec.setdefault("replicas", 1)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateReplicationController."""
        spec = obj["spec"]
        errors = nonnegative(spec, ("minReadySeconds",), "spec")
        selector = spec.get("selector") or {}
        if not selector:
            errors.append(fe.required("spec.selector"))
        errors += nonnegative(spec, ("replicas",), "spec")
        template = spec.get("template")
        wanted = labels.from_map(selector)
        return errors + validate_replica_template(template, wanted, "spec.template", "ReplicationController")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateReplicationController and ValidateReplicationControllerUpdate, which tell of every cause each."""
        return self.validate(new) * 2

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the name, and of the template in every new generation."""
        found = host_name_warnings(obj, old)
        if asks_for_something_new(obj, old):
            found += template_warnings(obj["spec"].get("template") or {}, "spec.template")
        return found


class ReplicationControllerStatusStrategy(StatusStrategy):
    """replicationcontrollers/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateReplicationControllerStatusUpdate."""
        return validate_replica_status(new.get("status") or {})


def cells(controller: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = controller.get("spec") or {}, controller.get("status") or {}
    template = spec.get("template")
    return [
        controller["metadata"].get("name"),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        age(controller, now),
        container_names(template),
        container_images(template),
        format_labels(spec.get("selector")),
    ]


def status_replicas(controller: Object) -> str:
    """What the field selector status.replicas sees."""
    return str((controller.get("status") or {}).get("replicas") or 0)


REPLICATION_CONTROLLER = ReplicationControllerStrategy()
REPLICATION_CONTROLLER_STATUS = ReplicationControllerStatusStrategy(REPLICATION_CONTROLLER)
