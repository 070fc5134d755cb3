"""PodTemplates and Bindings: rules, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.core.pod.defaults import set_template_defaults
from api.core.pod.spec import validate_pod_template
from api.core.pod.warnings import template_warnings
from api.kind import Column, Strategy
from api.strategies import GenerationStrategy, asks_for_something_new
from api.table import NAME, container_images, container_names, format_labels
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Containers", description="Names of the template's containers."),
    Column(name="Images", description="Images of the template's containers."),
    Column(name="Pod Labels", description="Labels of pods made from the template."),
)


class PodTemplateStrategy(GenerationStrategy):
    """A template that stands alone."""

    def default(self, obj: Object) -> None:
        """Those of every pod template."""
        set_template_defaults(obj.setdefault("template", {}))

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePodTemplate."""
        return validate_pod_template(obj["template"], "template")

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the template in every new generation."""
        return template_warnings(obj["template"], "template") if asks_for_something_new(obj, old) else []


class BindingStrategy(Strategy):
    """Which node a pod goes to."""

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePodBinding."""
        target = obj.get("target") or {}
        errors: list[FieldError] = []
        kind = target.get("kind") or ""
        if kind not in ("", "Node"):
            errors.append(fe.not_supported("target.kind", kind, ("Node", "<empty>")))
        if not target.get("name"):
            errors.append(fe.required("target.name"))
        return errors


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    template = obj.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return [obj["metadata"].get("name"), container_names(template), container_images(template), format_labels(labels)]


POD_TEMPLATE = PodTemplateStrategy()
BINDING = BindingStrategy()
