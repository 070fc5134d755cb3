"""How pods are made, replaced, deleted, and how their status and ephemeral containers are written. Pure."""

from __future__ import annotations

from api.core.pod.annotations import validate_seccomp_agreement
from api.core.pod.defaults import set_pod_defaults
from api.core.pod.gates import drop_disabled_fields, drop_disabled_status
from api.core.pod.qos import qos_class
from api.core.pod.spec import validate_pod_meta_and_spec
from api.core.pod.update import validate_ephemeral_update, validate_pod_update, validate_status_update
from api.core.pod.warnings import pod_warnings
from api.kind import Strategy
from api.strategies import StatusStrategy, StatusStrategyBase, restore
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "lastProbeTime": None,
    "lastTransitionTime": None,
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


class PodStrategy(StatusStrategyBase):
    """The pod itself."""

    checks_metadata_anew = True

    def default(self, obj: Object) -> None:
        """SetDefaults_Pod and all below it."""
        set_pod_defaults(obj)

    def prepare_create(self, obj: Object) -> None:
        """A new pod is pending; its quality-of-service class is settled now."""
        drop_disabled_fields(obj["spec"])
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj["spec"])}
        if obj["spec"].get("schedulingGates"):
            obj["status"]["conditions"] = [dict(_GATED)]

    def prepare_update(self, new: Object, old: Object) -> None:
        """The status stays."""
        super().prepare_update(new, old)
        drop_disabled_fields(new["spec"], old["spec"])

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePodCreate."""
        errors = validate_pod_meta_and_spec(obj)
        spec = obj["spec"]
        if spec.get("ephemeralContainers"):
            errors.append(fe.forbidden("spec.ephemeralContainers", "cannot be set on create"))
        if spec.get("nodeName") and spec.get("schedulingGates"):
            text = "cannot be set until all schedulingGates have been cleared"
            errors.append(fe.forbidden("spec.nodeName", text))
        return errors + validate_seccomp_agreement(obj["metadata"].get("annotations") or {}, spec, "spec")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePodUpdate."""
        return validate_pod_update(new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """What in the spec is deprecated or surely not meant."""
        return pod_warnings(obj) if old is None else []

    def grace_period_seconds(self, obj: Object, requested: int | None) -> int | None:
        """What was asked for, else the pod's own period; 0 where nothing runs that could end gracefully."""
        spec = obj.get("spec") or {}
        period = requested if requested is not None else spec.get("terminationGracePeriodSeconds") or 0
        if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            return 0
        return 1 if period < 0 else period


class PodStatusStrategy(StatusStrategy):
    """pods/status, written by the kubelet and the scheduler."""

    def __init__(self, parent: Strategy) -> None:
        super().__init__(parent, keep_metadata=("deletionTimestamp", "ownerReferences"))

    def prepare_update(self, new: Object, old: Object) -> None:
        """The class of service never changes."""
        super().prepare_update(new, old)
        status, before = new.setdefault("status", {}), old.get("status") or {}
        if not status.get("qosClass"):
            restore(status, before, "qosClass")
        drop_disabled_status(status, before)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePodStatusUpdate."""
        return validate_status_update(new, old)


class EphemeralContainersStrategy(StatusStrategy):
    """pods/ephemeralcontainers: of the whole pod only that list is written."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Everything but the ephemeral containers stays as it was."""
        wanted = (new.get("spec") or {}).get("ephemeralContainers")
        meta = {**old["metadata"]}
        for field in ("resourceVersion", "managedFields"):
            restore(meta, new["metadata"], field)
        new["metadata"] = meta
        restore(new, old, "status")
        new["spec"] = {**old["spec"]}
        if wanted:
            new["spec"]["ephemeralContainers"] = wanted
        else:
            new["spec"].pop("ephemeralContainers", None)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePodEphemeralContainersUpdate."""
        return validate_ephemeral_update(new, old)


POD = PodStrategy()
POD_STATUS = PodStatusStrategy(POD)
POD_EPHEMERAL_CONTAINERS = EphemeralContainersStrategy(POD)
