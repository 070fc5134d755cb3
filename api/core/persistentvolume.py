"""PersistentVolumes: defaults, rules, what may change, table. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.core import volumesources as vs
from api.core.claims import VOLUME_MODES, validate_access_modes
from api.core.persistentvolumeclaim import access_modes, storage_class_of, storage_class_warnings
from api.core.pod.affinity import validate_node_selector
from api.core.pod.defaults import set_volume_source_defaults
from api.core.resourcenames import validate_basic_resource, validate_positive_quantity
from api.core.rounding import round_up
from api.gosyntax import quantity_value, raw
from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase, restore
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.nodelabels import term_warnings
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object
from apimachinery.quantity import parse

COLUMNS = (
    NAME,
    Column(name="Capacity", description="The volume's size."),
    Column(name="Access Modes", description="How the volume can be mounted."),
    Column(name="Reclaim Policy", description="What becomes of the volume when its claim is gone."),
    Column(name="Status", description="Whether a claim is bound to the volume."),
    Column(name="Claim", description="The claim."),
    Column(name="StorageClass", description="The class the volume belongs to."),
    Column(name="Reason", description="Why the volume is in its status."),
    AGE,
    Column(name="VolumeMode", priority=1, description="Whether the volume holds files or is a block device."),
)
_RECLAIM = ("Delete", "Recycle", "Retain")
_SECRETS = ("controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef")


def _with_namespaced_secret(check: vs.Check) -> vs.Check:
    """A check that also wants the secret's namespace, since a PersistentVolume has none itself."""

    def checked(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
        check(source, path, errors)
        secret = source.get("secretRef")
        if secret is not None and not secret.get("namespace"):
            errors.append(fe.required(f"{path}.secretRef.namespace"))

    return checked


def _csi(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    vs.csi_driver_name(source.get("driver") or "", f"{path}.driver", errors)
    if not source.get("volumeHandle"):
        errors.append(fe.required(f"{path}.volumeHandle"))
    for field in _SECRETS:
        secret = source.get(field)
        if secret is None:
            continue
        for part, rule in (("name", names.dns1123_subdomain), ("namespace", names.dns1123_label)):
            value, here = secret.get(part) or "", f"{path}.{field}.{part}"
            if not value:
                errors.append(fe.required(here))
            else:
                errors.extend(fe.invalid(here, value, text) for text in rule(value))


#: Kind of source, its name in error paths, its rules, in the order the reference looks at them.
_SOURCES: tuple[tuple[str, str, vs.Check], ...] = (
    ("hostPath", "hostPath", vs.host_path),
    ("gcePersistentDisk", "persistentDisk", vs.persistent_disk("pdName")),
    ("awsElasticBlockStore", "awsElasticBlockStore", vs.persistent_disk("volumeID")),
    ("glusterfs", "glusterfs", vs.needs("endpoints", "path")),
    ("flocker", "flocker", vs.flocker),
    ("nfs", "nfs", vs.nfs),
    ("rbd", "rbd", vs.needs("monitors", "image")),
    ("quobyte", "quobyte", vs.quobyte),
    ("cephfs", "cephfs", vs.needs("monitors")),
    ("iscsi", "iscsi", vs.iscsi),
    ("cinder", "cinder", _with_namespaced_secret(vs.cinder)),
    ("fc", "fc", vs.fibre_channel),
    ("flexVolume", "flexVolume", vs.flex_volume),
    ("azureFile", "azureFile", vs.needs("secretName", "shareName")),
    ("vsphereVolume", "vsphereVolume", vs.needs("volumePath")),
    ("photonPersistentDisk", "photonPersistentDisk", vs.needs("pdID")),
    ("portworxVolume", "portworxVolume", vs.needs("volumeID")),
    ("azureDisk", "azureDisk", vs.azure_disk),
    ("scaleIO", "scaleIO", vs.needs("gateway", "system", "volumeName")),
    ("local", "local", vs.local),
    ("storageos", "storageos", _with_namespaced_secret(vs.storage_os)),
    ("csi", "csi", _csi),
)
#: Kind of source, the name its field has in warnings, what is said of it.
_OLD_SOURCES = (
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
)
SOURCE_FIELDS = tuple(field for field, _, _ in _SOURCES)


def validate_volume_spec(spec: dict[str, Any], path: str, *, inline: bool = False) -> list[FieldError]:
    """A volume's spec; `inline`: inside a VolumeAttachment, where only a migrated CSI source makes sense."""
    errors: list[FieldError] = []
    if inline:
        text = "may not be specified in the context of inline volumes"
        for field in ("claimRef", "capacity", "nodeAffinity", "storageClassName"):
            if spec.get(field):
                errors.append(fe.forbidden(f"{path}.{field}", text))
        if "csi" not in spec:
            errors.append(fe.required(f"{path}.csi", "has to be specified in the context of inline volumes"))
    modes = spec.get("accessModes") or ()
    if not modes:
        errors.append(fe.required(f"{path}.accessModes"))
    errors += validate_access_modes(modes, f"{path}.accessModes")
    if not inline:
        _validate_capacity(spec.get("capacity") or {}, f"{path}.capacity", errors)
        policy = spec.get("persistentVolumeReclaimPolicy")
        if policy and policy not in _RECLAIM:
            errors.append(fe.not_supported(f"{path}.persistentVolumeReclaimPolicy", policy, _RECLAIM))
        _validate_affinity(spec.get("nodeAffinity"), f"{path}.nodeAffinity", errors)
    _validate_sources(spec, path, errors)
    if inline:
        return errors
    if name := spec.get("storageClassName"):
        errors.extend(fe.invalid(f"{path}.storageClassName", name, text) for text in names.dns1123_subdomain(name))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errors.append(fe.not_supported(f"{path}.volumeMode", mode, VOLUME_MODES))
    return errors


def _validate_capacity(capacity: Mapping[str, str], path: str, errors: list[FieldError]) -> None:
    if not capacity:
        errors.append(fe.required(path))
    if set(capacity) != {"storage"}:
        amounts = [f"{fe.go_quote(name)}:{quantity_value(parse(capacity[name]))}" for name in sorted(capacity)]
        shown = raw(f"core.ResourceList{{{', '.join(amounts)}}}" if amounts else "core.ResourceList(nil)")
        errors.append(fe.not_supported(path, shown, ("storage",)))
    for name, text in capacity.items():
        errors += validate_basic_resource(text, f"{path}[{name}]")
        errors += validate_positive_quantity(text, f"{path}[{name}]")


def _validate_affinity(affinity: Mapping[str, Any] | None, path: str, errors: list[FieldError]) -> None:
    if affinity is None:
        return
    if "required" in affinity:
        validate_node_selector(affinity["required"], f"{path}.required", errors)
    else:
        errors.append(fe.required(f"{path}.required", "must specify required node constraints"))


def _validate_sources(spec: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    count = 0
    for kind, shown, check in _SOURCES:
        source = spec.get(kind)
        if source is None:
            continue
        if count and kind != "flexVolume":
            text = "may not specify more than 1 volume type"
            errors.append(fe.forbidden(f"{path}.{'cephFS' if kind == 'cephfs' else kind}", text))
            continue
        count += 1
        check(source, f"{path}.{shown}", errors)
        if kind == "local" and "nodeAffinity" not in spec:
            errors.append(fe.required(f"{path}.nodeAffinity", "Local volume requires node affinity"))
    if not count:
        errors.append(fe.required(path, "must specify a volume type"))
    host = (spec.get("hostPath") or {}).get("path") or ""
    recycled = spec.get("persistentVolumeReclaimPolicy") == "Recycle"
    if host and posixpath.normpath(host) in ("/", "//") and recycled:
        text = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(fe.forbidden(f"{path}.persistentVolumeReclaimPolicy", text))


class VolumeStrategy(StatusStrategyBase):
    """The volume itself."""

    checks_metadata_anew = True

    empty_status: Mapping[str, Any] = {"phase": "Pending"}

    def default(self, obj: Object) -> None:
        """Kept after its claim, holding files, pending."""
        spec = obj.setdefault("spec", {})
        round_up(spec.get("capacity"))
        spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
        spec.setdefault("volumeMode", "Filesystem")
        set_volume_source_defaults(spec)
        obj.setdefault("status", {}).setdefault("phase", "Pending")

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """The annotation that was a field's forerunner, old node labels, sources that are no more."""
        spec, found = obj["spec"], storage_class_warnings(obj)
        terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
        for index, term in enumerate(terms):
            found += term_warnings(term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]")
        return found + [f"spec.{shown}: {text}" for kind, shown, text in _OLD_SOURCES if kind in spec]

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePersistentVolume."""
        return validate_volume_spec(obj["spec"], "spec")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePersistentVolumeUpdate: the source stays, but for a CSI secret that was missing."""
        errors = self.validate(new)
        after, before = new["spec"], old["spec"]
        source, earlier = ({f: spec[f] for f in SOURCE_FIELDS if f in spec} for spec in (after, before))
        if "csi" in source and "csi" in earlier and "controllerExpandSecretRef" not in earlier["csi"]:
            source["csi"] = {**source["csi"]}
            restore(source["csi"], earlier["csi"], "controllerExpandSecretRef")
        if source != earlier:
            text = "spec.persistentvolumesource is immutable after creation\n"
            shown = f"- \t{fe.go_value(earlier)},\n+ \t{fe.go_value(source)},\n"
            errors.append(fe.forbidden("spec.persistentvolumesource", text + shown))
        if after.get("volumeMode") != before.get("volumeMode"):
            errors.append(fe.invalid("volumeMode", after.get("volumeMode"), FIELD_IMMUTABLE))
        affinity = before.get("nodeAffinity")
        if affinity is not None and affinity != after.get("nodeAffinity"):
            text = f"{FIELD_IMMUTABLE}, except for updating from beta label to GA"
            errors.append(fe.invalid("nodeAffinity", after.get("nodeAffinity"), text))
        return errors


def cells(volume: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = volume.get("spec") or {}, volume.get("status") or {}
    claim = spec.get("claimRef")
    return [
        volume["metadata"].get("name"),
        (spec.get("capacity") or {}).get("storage") or "0",
        access_modes(spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy") or "",
        "Terminating" if volume["metadata"].get("deletionTimestamp") else status.get("phase") or "",
        f"{claim.get('namespace') or ''}/{claim.get('name') or ''}" if claim else "",
        storage_class_of(volume),
        status.get("reason") or "",
        age(volume, now),
        spec.get("volumeMode") or "<unset>",
    ]


VOLUME = VolumeStrategy()
VOLUME_STATUS = StatusStrategy(VOLUME)
