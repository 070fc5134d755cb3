"""The rules of metadata: names, labels, annotations, owners, finalizers, and what an update may not change.

Pure (k8s.io/apimachinery/pkg/api/validation). The registry calls these for every kind before the kind's own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.gosyntax import pointer, raw, string_list, struct, time_value, typed_list
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

FIELD_IMMUTABLE = "field is immutable"
#: Bytes of all annotation keys and values together.
ANNOTATIONS_MAX = 256 * 1024

_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_EMPTY_MEANS = {"name": "", "namespace": "", "uid": ""}


def validate_object_meta(
    meta: Mapping[str, Any],
    namespaced: bool,
    name_rule: names.NameRule,
    path: str = "metadata",
    *,
    standard_finalizers: bool = True,
) -> list[FieldError]:
    """Every rule broken by the metadata of an object about to be created; its name has been generated already.

    `standard_finalizers`: finalizers without a domain must be Kubernetes' own (not asked of custom resources)."""
    errors: list[FieldError] = []
    generate_name = meta.get("generateName")
    if generate_name:
        for text in name_rule(generate_name, True):
            errors.append(fe.invalid(f"{path}.generateName", generate_name, text))
    name = meta.get("name")
    if not name:
        errors.append(fe.required(f"{path}.name", "name or generateName is required"))
    else:
        for text in name_rule(name, False):
            errors.append(fe.invalid(f"{path}.name", name, text))
    namespace = meta.get("namespace")
    if namespaced:
        if not namespace:
            errors.append(fe.required(f"{path}.namespace"))
        else:
            for text in names.dns1123_label(namespace):
                errors.append(fe.invalid(f"{path}.namespace", namespace, text))
    elif namespace:
        errors.append(fe.forbidden(f"{path}.namespace", "not allowed on this type"))
    if (meta.get("generation") or 0) < 0:
        errors.append(fe.invalid(f"{path}.generation", meta["generation"], "must be greater than or equal to 0"))
    errors += _validate_parts(meta, path)
    return errors + validate_kube_finalizers(meta, path) if standard_finalizers else errors


def validate_kube_finalizers(meta: Mapping[str, Any], path: str = "metadata") -> list[FieldError]:
    """The finalizers of an object of a kind that is Kubernetes' own; asked at every write."""
    errors: list[FieldError] = []
    for index, finalizer in enumerate(meta.get("finalizers") or ()):
        errors += validate_kube_finalizer(finalizer, f"{path}.finalizers[{index}]")
    return errors


def validate_kube_finalizer(finalizer: str, path: str) -> list[FieldError]:
    """A finalizer without a domain is one of those that Kubernetes itself uses."""
    if "/" in finalizer or finalizer in ("kubernetes", "orphan", "foregroundDeletion"):
        return []
    return [fe.invalid(path, finalizer, "name is neither a standard finalizer name nor is it fully qualified")]


def validate_object_meta_update(
    new: Mapping[str, Any], old: Mapping[str, Any], path: str = "metadata"
) -> list[FieldError]:
    """Every rule broken by replacing the metadata `old` with `new`."""
    errors: list[FieldError] = []
    if old.get("deletionTimestamp"):
        added = sorted(set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if added:
            text = (
                "no new finalizers can be added if the object is being deleted, "
                f"found new finalizers {string_list(added)}"
            )
            errors.append(fe.forbidden(f"{path}.finalizers", text))
    if not new.get("resourceVersion"):
        errors.append(fe.invalid(f"{path}.resourceVersion", "", "must be specified for an update"))
    if (new.get("generation") or 0) < (old.get("generation") or 0):
        errors.append(fe.invalid(f"{path}.generation", new.get("generation") or 0, "must not be decremented"))
    for field in _IMMUTABLE:
        default = _EMPTY_MEANS.get(field)
        value = new.get(field, default)
        if value != old.get(field, default):
            shown = time_value(value) if value and field.endswith("Timestamp") else value
            errors.append(fe.invalid(f"{path}.{field}", shown, FIELD_IMMUTABLE))
    return errors + _validate_parts(new, path)


def _validate_parts(meta: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if labels := meta.get("labels"):
        errors += validate_labels(labels, f"{path}.labels")
    if annotations := meta.get("annotations"):
        errors += validate_annotations(annotations, f"{path}.annotations")
    if owners := meta.get("ownerReferences"):
        errors += validate_owner_references(owners, f"{path}.ownerReferences")
    if finalizers := meta.get("finalizers"):
        errors += validate_finalizers(finalizers, f"{path}.finalizers")
    if managed := meta.get("managedFields"):
        errors += validate_managed_fields(managed, f"{path}.managedFields")
    return errors


def validate_labels(labels: Mapping[str, str], path: str) -> list[FieldError]:
    """Keys are qualified names, values label values."""
    errors: list[FieldError] = []
    for key, value in labels.items():
        for text in names.qualified_name(key):
            errors.append(fe.invalid(path, key, text))
        for text in names.label_value(value):
            errors.append(fe.invalid(path, value, text))
    return errors


def validate_label_name(key: str, path: str) -> list[FieldError]:
    """A label's key where it stands alone."""
    return [fe.invalid(path, key, text) for text in names.qualified_name(key)]


def validate_annotations(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    """Keys are qualified names in any case, and everything together is not too large."""
    errors: list[FieldError] = []
    size = 0
    for key, value in annotations.items():
        for text in names.qualified_name(key.lower()):
            errors.append(fe.invalid(path, key, text))
        size += len(key) + len(value)
    if size * 4 > ANNOTATIONS_MAX:  # only then can the bytes, at most four a character, be too many
        size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
        if size > ANNOTATIONS_MAX:
            errors.append(fe.too_long(path, "", ANNOTATIONS_MAX))
    return errors


def validate_owner_references(owners: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    """Each names an object completely, none is an Event, and at most one is the controller."""
    errors: list[FieldError] = []
    first_controller = ""
    for owner in owners:
        api_version, kind = owner.get("apiVersion") or "", owner.get("kind") or ""
        group, _, version = api_version.rpartition("/")
        if not version:
            errors.append(fe.invalid(f"{path}.apiVersion", api_version, "version must not be empty"))
        for field in ("kind", "name", "uid"):
            if not owner.get(field):
                errors.append(fe.invalid(f"{path}.{field}", "", "must not be empty"))
        if (group, version, kind) == ("", "v1", "Event"):
            errors.append(fe.invalid(path, _owner_value(owner), "/v1, Kind=Event is disallowed from being an owner"))
        if owner.get("controller"):
            this = f"{kind}/{owner.get('name') or ''}"
            if first_controller:
                text = (
                    "Only one reference can have Controller set to true. "
                    f'Found "true" in references for {first_controller} and {this}'
                )
                shown = typed_list("v1.OwnerReference", [_owner_value(each) for each in owners])
                errors.append(fe.invalid(path, shown, text))
            else:
                first_controller = this
    return errors


def _owner_value(owner: Mapping[str, Any]) -> fe.GoSyntax:
    fields = (("APIVersion", "apiVersion"), ("Kind", "kind"), ("Name", "name"), ("UID", "uid"))
    texts = {name: fe.go_quote(owner.get(field) or "") for name, field in fields}
    flags = {
        name: pointer("bool", owner.get(name[0].lower() + name[1:])) for name in ("Controller", "BlockOwnerDeletion")
    }
    return struct("v1.OwnerReference", **texts, **flags)


def validate_finalizers(finalizers: Sequence[str], path: str) -> list[FieldError]:
    """Each is a qualified name; orphaning and foreground deletion exclude each other."""
    errors: list[FieldError] = []
    for finalizer in finalizers:
        for text in names.qualified_name(finalizer):
            errors.append(fe.invalid(path, finalizer, text))
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        errors.append(fe.invalid(path, raw(string_list(finalizers)), text))
    return errors


def validate_managed_fields(entries: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    """Operation, fieldsType, manager and subresource of what the client sends as managedFields."""
    errors: list[FieldError] = []
    for index, entry in enumerate(entries):
        here = f"{path}[{index}]"
        operation = entry.get("operation") or ""
        if operation not in ("Apply", "Update"):
            errors.append(fe.invalid(f"{here}.operation", operation, "must be `Apply` or `Update`"))
        fields_type = entry.get("fieldsType") or ""
        if fields_type and fields_type != "FieldsV1":
            errors.append(fe.invalid(f"{here}.fieldsType", fields_type, "must be `FieldsV1`"))
        errors += validate_field_manager(entry.get("manager") or "", f"{here}.manager")
        subresource = entry.get("subresource") or ""
        if len(subresource) > 256:
            errors.append(fe.too_long(f"{here}.subresource", subresource, 256))
    return errors


def validate_field_manager(manager: str, path: str) -> list[FieldError]:
    """A field manager's name is printable and at most 128 bytes."""
    errors: list[FieldError] = []
    if len(manager) > 128:
        errors.append(fe.too_long(path, manager, 128))
    if manager.isprintable():
        return errors
    for index, char in enumerate(manager):
        if not char.isprintable():
            text = f"invalid character U+{ord(char):04X} (at position {index})"
            errors.append(fe.invalid(path, manager, text))
    return errors
