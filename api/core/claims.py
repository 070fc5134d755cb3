"""Rules of a PersistentVolumeClaim's spec, also where it is a template inside another object. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.core.resourcenames import validate_positive_quantity
from api.validation import names
from api.validation.labelselector import validate_label_selector
from api.validation.objectmeta import validate_annotations, validate_labels
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
#: Group and kind of what dataSource could name from the first; it ignores others, which dataSourceRef is for.
_FIRST_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


def validate_access_modes(modes: Sequence[str], path: str) -> list[FieldError]:
    """Known modes, and ReadWriteOncePod only alone."""
    errors = [fe.not_supported(path, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and set(modes) & set(ACCESS_MODES[:3]):
        errors.append(fe.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return errors


def validate_claim_spec(spec: dict[str, Any], path: str) -> list[FieldError]:
    """The whole spec of a claim."""
    errors: list[FieldError] = []
    modes = spec.get("accessModes") or ()
    if not modes:
        errors.append(fe.required(f"{path}.accessModes", "at least 1 access mode is required"))
    errors += validate_label_selector(spec.get("selector"), f"{path}.selector")
    errors += validate_access_modes(modes, f"{path}.accessModes")
    requests = (spec.get("resources") or {}).get("requests") or {}
    if "storage" not in requests:
        errors.append(fe.required(f"{path}.resources[storage]"))
    else:
        errors += validate_positive_quantity(requests["storage"], f"{path}.resources[storage]")
    if name := spec.get("storageClassName"):
        for text in names.dns1123_subdomain(name):
            errors.append(fe.invalid(f"{path}.storageClassName", name, text))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errors.append(fe.not_supported(f"{path}.volumeMode", mode, VOLUME_MODES))
    return errors + _validate_sources(spec, path)


def _validate_sources(spec: dict[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None:
        errors += _validate_source(source, f"{path}.dataSource")
    if reference is not None:
        errors += _validate_source(reference, f"{path}.dataSourceRef")
        for text in names.dns1123_label(reference["namespace"]) if reference.get("namespace") else ():
            errors.append(fe.invalid(f"{path}.dataSourceRef.namespace", reference["namespace"], text))
    if source is not None and reference is not None:
        shown = f"{path}.dataSource"
        if reference.get("namespace"):
            text = "may not be specified when dataSourceRef.namespace is specified"
            errors.append(fe.invalid(path, shown, text))
        elif any(source.get(field) != reference.get(field) for field in ("apiGroup", "kind", "name")):
            errors.append(fe.invalid(path, shown, "must match dataSourceRef"))
    return errors


def settle_data_sources(spec: dict[str, Any], old: Mapping[str, Any] | None) -> None:
    """Drop what v1.28 has off or has always ignored, then let dataSource and dataSourceRef say the same.

    `old` is the claim's spec before this write: a claim that has a data source keeps it. (DropDisabledFields,
    EnforceDataSourceBackwardsCompatibility and NormalizeDataSources in pkg/api/persistentvolumeclaim/util.go)"""
    before = old or {}
    if (spec.get("dataSourceRef") or {}).get("namespace") and "dataSourceRef" not in before:
        del spec["dataSourceRef"]  # behind the gate CrossNamespaceVolumeDataSource
    has_source = "dataSource" in before or "dataSourceRef" in before
    if not has_source and "dataSource" in spec and "dataSourceRef" not in spec:
        kind = (spec["dataSource"].get("apiGroup") or "", spec["dataSource"].get("kind") or "")
        if kind not in _FIRST_SOURCES:
            del spec["dataSource"]
    if "dataSource" in spec and "dataSourceRef" not in spec:
        spec["dataSourceRef"] = dict(spec["dataSource"])
    elif "dataSource" not in spec and "dataSourceRef" in spec and not spec["dataSourceRef"].get("namespace"):
        spec["dataSource"] = dict(spec["dataSourceRef"])


def _validate_source(source: dict[str, Any], path: str) -> list[FieldError]:
    errors = [fe.required(f"{path}.{field}") for field in ("name", "kind") if not source.get(field)]
    kind = source.get("kind") or ""
    if not source.get("apiGroup") and kind != "PersistentVolumeClaim":
        text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        errors.append(fe.invalid(path, kind, text))
    return errors


def validate_claim_template(template: dict[str, Any], path: str) -> list[FieldError]:
    """A claim inside an ephemeral volume: labels, annotations and a spec, no other metadata."""
    meta = template.get("metadata") or {}
    errors = validate_annotations(meta.get("annotations") or {}, f"{path}.metadata.annotations")
    errors += validate_labels(meta.get("labels") or {}, f"{path}.metadata.labels")
    for field, value in meta.items():
        if value and field not in ("annotations", "labels"):
            errors.append(fe.forbidden(f"{path}.metadata.{field}", "cannot be set"))
    return errors + validate_claim_spec(template.get("spec") or {}, f"{path}.spec")
