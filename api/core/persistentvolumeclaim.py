"""PersistentVolumeClaims: defaults, what may change, status, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.claims import settle_data_sources, validate_claim_spec
from api.core.fractions import claim_fraction_warnings
from api.core.pod.defaults import set_claim_spec_defaults
from api.core.resourcenames import validate_basic_resource
from api.core.rounding import round_up_each
from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase
from api.table import AGE, NAME, age
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery import quantity
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of

COLUMNS = (
    NAME,
    Column(name="Status", description="Whether a volume is bound to the claim."),
    Column(name="Volume", description="The volume."),
    Column(name="Capacity", description="The volume's size."),
    Column(name="Access Modes", description="How the volume can be mounted."),
    Column(name="StorageClass", description="The class the claim asks for."),
    AGE,
    Column(name="VolumeMode", priority=1, description="Whether the volume holds files or is a block device."),
)
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_IMMUTABLE_SPEC = "spec is immutable after creation except resources.requests for bound claims"


def access_modes(modes: Sequence[str]) -> str:
    """`RWO,ROX`, each mode once, in a fixed order."""
    return ",".join(short for mode, short in _MODES.items() if mode in modes)


class ClaimStrategy(StatusStrategyBase):
    """The claim itself."""

    checks_metadata_anew = True

    empty_status: Mapping[str, Any] = {"phase": "Pending"}

    def default(self, obj: Object) -> None:
        """A claim is pending until it is bound, and asks for a file system."""
        set_claim_spec_defaults(obj.setdefault("spec", {}))
        status = obj.setdefault("status", {})
        status.setdefault("phase", "Pending")
        round_up_each(status, "capacity", "allocatedResources")

    def prepare_create(self, obj: Object) -> None:
        """dataSource and dataSourceRef say the same."""
        super().prepare_create(obj)
        settle_data_sources(obj["spec"], None)

    def prepare_update(self, new: Object, old: Object) -> None:
        """The status stays; clients that know one of the data sources change nothing by leaving out the other."""
        super().prepare_update(new, old)
        settle_data_sources(new["spec"], old["spec"])

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """The annotation that was a field's forerunner, and fractions of bytes."""
        return storage_class_warnings(obj) + claim_fraction_warnings(obj["spec"], "spec")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePersistentVolumeClaim."""
        return validate_claim_spec(obj["spec"], "spec")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePersistentVolumeClaimUpdate: the volume can be named once, a class once, and claims can grow."""
        errors = self.validate(new)
        after, before = dict(new["spec"]), old["spec"]
        expected = dict(before)
        if not before.get("volumeName") and after.get("volumeName"):
            expected["volumeName"] = after["volumeName"]
        old_class = annotations_of(old).get(_CLASS_ANNOTATION)
        if old_class != annotations_of(new).get(_CLASS_ANNOTATION):
            shown = annotations_of(new).get(_CLASS_ANNOTATION) or ""
            errors.append(fe.invalid(f"metadata.annotations.{_CLASS_ANNOTATION}", shown, FIELD_IMMUTABLE))
        name = after.get("storageClassName")
        if name is not None and "storageClassName" not in before and old_class in (None, name):
            expected["storageClassName"] = name
        bound = (new.get("status") or {}).get("phase") == "Bound"
        sizes = [(spec.get("resources") or {}).get("requests") or {} for spec in (after, before)]
        if bound and sizes[0]:
            requests = {**sizes[0], "storage": sizes[1].get("storage")}
            after["resources"] = {**after["resources"], "requests": requests}
        if after != expected:
            errors.append(fe.forbidden("spec", f"{_IMMUTABLE_SPEC}\n{_differences(after, expected)}"))
        wanted, had = (quantity.parse(size.get("storage") or "0") for size in sizes)
        if wanted < had:
            text = "field can not be less than previous value"
            errors.append(fe.forbidden("spec.resources.requests.storage", text))
        if after.get("volumeMode") != before.get("volumeMode"):
            errors.append(fe.invalid("volumeMode", after.get("volumeMode"), FIELD_IMMUTABLE))
        return errors


def _differences(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    lines = []
    for key in sorted({*new, *old}):
        if new.get(key) != old.get(key):
            lines += [f"- \t{key}: {fe.go_value(old.get(key))},", f"+ \t{key}: {fe.go_value(new.get(key))},"]
    return "\n".join(["  core.PersistentVolumeClaimSpec{", *lines, "  }\n"])


class ClaimStatusStrategy(StatusStrategy):
    """persistentvolumeclaims/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePersistentVolumeClaimStatusUpdate."""
        errors: list[FieldError] = []
        for name, text in ((new.get("status") or {}).get("capacity") or {}).items():
            errors += validate_basic_resource(text, f"status.capacity[{name}]")
        return errors


def storage_class_warnings(obj: Object) -> list[str]:
    """The class by annotation, of a claim or a volume."""
    if _CLASS_ANNOTATION not in annotations_of(obj):
        return []
    text = 'deprecated since v1.8; use "storageClassName" attribute instead'
    return [f"metadata.annotations[{_CLASS_ANNOTATION}]: {text}"]


def storage_class_of(obj: Object) -> str:
    """The class by annotation, as old objects have it, or by field."""
    annotation = annotations_of(obj).get(_CLASS_ANNOTATION)
    return annotation if annotation is not None else (obj.get("spec") or {}).get("storageClassName") or ""


def cells(claim: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    phase = "Terminating" if claim["metadata"].get("deletionTimestamp") else status.get("phase") or ""
    bound = bool(spec.get("volumeName"))
    return [
        claim["metadata"].get("name"),
        phase,
        spec.get("volumeName") or "",
        ((status.get("capacity") or {}).get("storage") or "0") if bound else "",
        access_modes(status.get("accessModes") or ()) if bound else "",
        storage_class_of(claim),
        age(claim, now),
        spec.get("volumeMode") or "<unset>",
    ]


CLAIM = ClaimStrategy()
CLAIM_STATUS = ClaimStatusStrategy(CLAIM)
