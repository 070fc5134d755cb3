"""StatefulSets: defaults, rules, what may change, status, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.apps import rollout
from api.apps.deployment import validate_collisions
from api.core.fractions import claim_fraction_warnings
from api.core.pod.annotations import validate_pod_annotations
from api.core.pod.defaults import set_claim_spec_defaults, set_template_defaults
from api.core.pod.warnings import template_warnings
from api.core.replicationcontroller import MISMATCH, nonnegative
from api.gosyntax import label_selector, pointer, raw, string_map
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy, asks_for_something_new
from api.table import AGE, NAME, age, container_images, container_names
from api.validation import names
from api.validation.objectmeta import validate_annotations, validate_labels
from apimachinery import fielderrors as fe
from apimachinery import labels
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Ready", description="How many of the wanted pods are ready."),
    AGE,
    Column(name="Containers", priority=1, description="Names of the template's containers."),
    Column(name="Images", priority=1, description="Images of the template's containers."),
)
_MUTABLE = ("replicas", "ordinals", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds")  # fmt: skip
_FORBIDDEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_COUNTS = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas",
           "observedGeneration", "collisionCount")  # fmt: skip
_RETENTIONS = ("Retain", "Delete")


class StatefulSetStrategy(SpecStrategy):
    """The StatefulSet itself."""

    empty_status = {"replicas": 0, "availableReplicas": 0}

    def default(self, obj: Object) -> None:
        """SetDefaults_StatefulSet."""
        spec = obj.setdefault("spec", {})
        set_template_defaults(spec.setdefault("template", {}))
        spec.setdefault("podManagementPolicy", "OrderedReady")
        _default_strategy(spec.setdefault("updateStrategy", {}))
        policy = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        policy.setdefault("whenDeleted", "Retain")
        policy.setdefault("whenScaled", "Retain")
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        for claim in spec.get("volumeClaimTemplates") or ():
            claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"  # whatever was said
            set_claim_spec_defaults(claim.setdefault("spec", {}))
            claim.setdefault("status", {}).setdefault("phase", "Pending")

    def prepare_create(self, obj: Object) -> None:
        """Without what is behind a gate."""
        super().prepare_create(obj)
        _drop_gated(obj, None)

    def prepare_update(self, new: Object, old: Object) -> None:
        """What is behind a gate stays only where it was."""
        _drop_gated(new, old)
        super().prepare_update(new, old)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateStatefulSet."""
        spec = obj["spec"]
        errors: list[FieldError] = []
        policy = spec.get("podManagementPolicy") or ""
        if policy not in ("OrderedReady", "Parallel"):
            text = "must be 'OrderedReady' or 'Parallel'"
            errors.append(fe.invalid("spec.podManagementPolicy", policy, text))
        errors += _validate_strategy(spec.get("updateStrategy") or {})
        retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
        for field in ("whenDeleted", "whenScaled"):
            if (value := retention.get(field) or "") not in _RETENTIONS:
                path = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
                errors.append(fe.not_supported(path, value, _RETENTIONS))
        errors += nonnegative(spec, ("replicas", "minReadySeconds"), "spec")
        errors += nonnegative(spec.get("ordinals") or {}, ("start",), "spec.ordinals")
        errors += rollout.validate_selector(spec.get("selector"), "statefulset")
        selector = rollout.compiled(spec.get("selector"))
        if selector is None:
            errors.append(fe.invalid("spec.selector", raw(label_selector(spec.get("selector"))), ""))
        else:
            errors += _validate_template(spec["template"], selector)
        return errors + _validate_pods_for_ever(spec["template"].get("spec") or {})

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateStatefulSetUpdate: of the spec, little may change."""
        errors = self.validate(new)
        after, before = ({k: v for k, v in o["spec"].items() if k not in _MUTABLE} for o in (new, old))
        if after != before:
            errors.append(fe.forbidden("spec", _FORBIDDEN))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the template in every new generation, and of the claims always."""
        found: list[str] = []
        if asks_for_something_new(obj, old):
            found += template_warnings(obj["spec"]["template"], "spec.template")
        for index, claim in enumerate(obj["spec"].get("volumeClaimTemplates") or ()):
            path = f"spec.volumeClaimTemplates[{index}]"
            # The reference names the path differently on update.
            found += claim_fraction_warnings(claim.get("spec") or {}, path if old is None else f"{path}.Spec")
        return found

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """A DNS label, since it is part of its pods' host names."""
        return names.dns1123_label(name, prefix)


def _default_strategy(strategy: dict[str, Any]) -> None:
    """A rolling update from the first pod on; who names the type and nothing else has no partition at all."""
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)


def _rolling(obj: Object | None) -> dict[str, Any]:
    rolling: dict[str, Any] | None = ((obj or {"spec": {}})["spec"].get("updateStrategy") or {}).get("rollingUpdate")
    return rolling or {}


def _drop_gated(new: Object, old: Object | None) -> None:
    """Take away what v1.28 has behind the gate MaxUnavailableStatefulSet, which is off."""
    if "maxUnavailable" not in _rolling(old):
        _rolling(new).pop("maxUnavailable", None)


def _validate_strategy(strategy: Mapping[str, Any]) -> list[FieldError]:
    kind, rolling, path = strategy.get("type") or "", strategy.get("rollingUpdate"), "spec.updateStrategy"
    if kind == "RollingUpdate":
        return nonnegative(rolling or {}, ("partition",), f"{path}.rollingUpdate")
    if kind == "OnDelete":
        if rolling is None:
            return []
        shown = "apps.RollingUpdateStatefulSetStrategy{Partition:" + str(rolling.get("partition") or 0)
        value = raw(f"{shown}, MaxUnavailable:{pointer('intstr.IntOrString', rolling.get('maxUnavailable'))}}}")
        text = "only allowed for updateStrategy 'RollingUpdate'"
        return [fe.invalid(f"{path}.rollingUpdate", value, text)]
    shown = pointer("apps.RollingUpdateStatefulSetStrategy", rolling)
    value = raw(f"apps.StatefulSetUpdateStrategy{{Type:{fe.go_quote(kind)}, RollingUpdate:{shown}}}")
    return [fe.invalid(path, value, "must be 'RollingUpdate' or 'OnDelete'")]


def _validate_template(template: Mapping[str, Any], selector: labels.Selector) -> list[FieldError]:
    """Metadata only: the reference leaves the spec to the pods that are made of it."""
    errors: list[FieldError] = []
    meta, spec, path = template.get("metadata") or {}, template.get("spec") or {}, "spec.template"
    carried = meta.get("labels")
    if not selector.empty and not selector.matches(carried or {}):
        errors.append(fe.invalid(f"{path}.metadata.labels", raw(string_map(carried)), MISMATCH))
    errors += validate_labels(carried or {}, f"{path}.labels")
    annotations = meta.get("annotations") or {}
    errors += validate_annotations(annotations, f"{path}.annotations")
    return errors + validate_pod_annotations(annotations, spec, f"{path}.annotations")


def _validate_pods_for_ever(spec: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    path = "spec.template"
    if spec.get("restartPolicy") != "Always":
        errors.append(fe.not_supported(f"{path}.spec.restartPolicy", spec.get("restartPolicy") or "", ("Always",)))
    if "activeDeadlineSeconds" in spec:
        text = "activeDeadlineSeconds in StatefulSet is not Supported"
        errors.append(fe.forbidden(f"{path}.spec.activeDeadlineSeconds", text))
    return errors


class StatefulSetStatusStrategy(StatusStrategy):
    """statefulsets/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateStatefulSetStatusUpdate."""
        status = new.get("status") or {}
        errors = nonnegative(status, _COUNTS, "status")
        whole = status.get("replicas") or 0
        for field in _COUNTS[1:5]:
            if (count := status.get(field) or 0) > whole:
                errors.append(fe.invalid(f"status.{field}", count, "cannot be greater than status.replicas"))
        if (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
            text = "cannot be greater than status.readyReplicas"
            errors.append(fe.invalid("status.availableReplicas", status.get("availableReplicas") or 0, text))
        return errors + validate_collisions(status, old.get("status") or {})


def cells(stateful_set: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = stateful_set.get("spec") or {}, stateful_set.get("status") or {}
    template = spec.get("template")
    return [
        stateful_set["metadata"].get("name"),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        age(stateful_set, now),
        container_names(template),
        container_images(template),
    ]


STATEFUL_SET = StatefulSetStrategy()
STATEFUL_SET_STATUS = StatefulSetStatusStrategy(STATEFUL_SET)
