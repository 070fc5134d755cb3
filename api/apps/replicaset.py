"""ReplicaSets: defaults, rules, status, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.apps import rollout
from api.core.pod.defaults import set_template_defaults
from api.core.pod.warnings import template_warnings
from api.core.replicationcontroller import COLUMNS as REPLICA_COLUMNS
from api.core.replicationcontroller import (
    nonnegative,
    status_replicas,
    validate_replica_status,
)
from api.strategies import SpecStrategy, StatusStrategy, asks_for_something_new
from api.table import age, container_images, container_names, format_label_selector
from api.validation.hostname import host_name_warnings
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = REPLICA_COLUMNS


class ReplicaSetStrategy(SpecStrategy):
    """The ReplicaSet itself."""

    empty_status = {"replicas": 0}

    def default(self, obj: Object) -> None:
        """One replica."""
        spec = obj.setdefault("spec", {})
        set_template_defaults(spec.setdefault("template", {}))
        spec.setdefault("replicas", 1)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateReplicaSet."""
        spec = obj["spec"]
        errors = nonnegative(spec, ("replicas", "minReadySeconds"), "spec")
        errors += rollout.validate_selector(spec.get("selector"), "deployment")
        return errors + rollout.validate_selected_template(spec)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateReplicaSet and ValidateReplicaSetUpdate, so that every cause is told twice; the selector stays."""
        return self.validate(new) * 2 + rollout.validate_immutable_selector(new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the name, and of the template in every new generation."""
        found = host_name_warnings(obj, old)
        if asks_for_something_new(obj, old):
            found += template_warnings(obj["spec"]["template"], "spec.template")
        return found


class ReplicaSetStatusStrategy(StatusStrategy):
    """replicasets/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateReplicaSetStatusUpdate."""
        return validate_replica_status(new.get("status") or {})


def cells(replica_set: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = replica_set.get("spec") or {}, replica_set.get("status") or {}
    template = spec.get("template")
    return [
        replica_set["metadata"].get("name"),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        age(replica_set, now),
        container_names(template),
        container_images(template),
        format_label_selector(spec.get("selector")),
    ]


SELECTABLE = {"status.replicas": status_replicas}
REPLICA_SET = ReplicaSetStrategy()
REPLICA_SET_STATUS = ReplicaSetStatusStrategy(REPLICA_SET)
