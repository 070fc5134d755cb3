"""Rules for the volumes of a pod and for where containers mount them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.core import volumesources as vs
from api.core.claims import validate_claim_template
from api.core.pod.env import VOLUME_FIELDS, validate_field_ref, validate_resource_field_ref
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery import quantity
from apimachinery.fielderrors import FieldError

#: The volumes of a pod by name.
Volumes = dict[str, dict[str, Any]]

ONE_TYPE = "may not specify more than 1 volume type"
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")


def validate_volumes(
    volumes: Sequence[dict[str, Any]], pod_name: str | None, path: str, errors: list[FieldError]
) -> Volumes:
    """Every volume has a unique name and exactly one source; returns the volumes by name.

    `pod_name` is None in templates: there the name of a claim made for the pod isn't known yet."""
    known: Volumes = {}
    for index, volume in enumerate(volumes):
        here, name = f"{path}[{index}]", volume.get("name") or ""
        found: list[FieldError] = []
        _validate_source(volume, here, name, pod_name, found)
        if not name:
            found.append(fe.required(f"{here}.name"))
        else:
            found.extend(fe.invalid(f"{here}.name", name, text) for text in names.dns1123_label(name))
        if name in known:
            found.append(fe.duplicate(f"{here}.name", name))
        if found:
            errors += found
        else:
            known[name] = volume
    _validate_claim_names(volumes, pod_name, path, errors)
    return known


def _validate_claim_names(
    volumes: Sequence[dict[str, Any]], pod_name: str | None, path: str, errors: list[FieldError]
) -> None:
    """A pod may not mount the claim that is made for one of its own ephemeral volumes."""
    if pod_name is None:
        return
    own = {f"{pod_name}-{volume.get('name') or ''}" for volume in volumes if "ephemeral" in volume}
    for index, volume in enumerate(volumes if own else ()):
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in own:
            field = f"{path}[{index}].persistentVolumeClaim.claimName"
            errors.append(
                fe.invalid(field, claim, "must not reference a PVC that gets created for an ephemeral volume")
            )


def _validate_source(
    volume: dict[str, Any], path: str, name: str, pod_name: str | None, errors: list[FieldError]
) -> None:
    count = 0
    for place in sorted(_PLACES[kind] for kind in volume if kind in _PLACES):
        kind, shown, check = _SOURCES[place]
        source = volume[kind]
        if source is None:
            continue
        if count:
            errors.append(fe.forbidden(f"{path}.{_FORBIDDEN_NAMES.get(kind, kind)}", ONE_TYPE))
            continue
        count += 1
        check(source, f"{path}.{shown}", errors)
        if kind == "ephemeral" and pod_name and name:
            claim = f"{pod_name}-{name}"
            for text in names.dns1123_subdomain(claim):
                errors.append(fe.invalid(f"{path}.name", name, f"PVC name {fe.go_quote(claim)}: {text}"))
        too_long = len(f"{name}:{source.get('targetPortal') or ''}") > 64
        if kind == "iscsi" and "initiatorName" in source and too_long:
            text = (
                "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters "
                "if iscsi.initiatorName is specified."
            )
            errors.append(fe.invalid(f"{path}.name", name, text))
    if not count:
        errors.append(fe.required(path, "must specify a volume type"))


def _empty_dir(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    limit = source.get("sizeLimit")
    if limit is not None and quantity.parse(limit).nanos < 0:
        errors.append(fe.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity"))


def _keyed(name_field: str) -> vs.Check:
    """The check of a Secret or ConfigMap volume, which name their object differently."""

    def check(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
        if not source.get(name_field):
            errors.append(fe.required(f"{path}.{name_field}"))
        vs.file_mode(source.get("defaultMode"), f"{path}.defaultMode", errors)
        for index, item in enumerate(source.get("items") or ()):
            _validate_key_to_path(item, f"{path}.items[{index}]", errors)

    return check


def _validate_key_to_path(item: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    if not item.get("key"):
        errors.append(fe.required(f"{path}.key"))
    if not item.get("path"):
        errors.append(fe.required(f"{path}.path"))
    vs.local_non_reserved_path(item.get("path") or "", f"{path}.path", errors)
    vs.file_mode(item.get("mode"), f"{path}.mode", errors)


def _downward_api(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    vs.file_mode(source.get("defaultMode"), f"{path}.defaultMode", errors)
    for item in source.get("items") or ():
        _validate_downward_file(item, path, errors)


def _validate_downward_file(item: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    if not item.get("path"):
        errors.append(fe.required(f"{path}.path"))
    vs.local_non_reserved_path(item.get("path") or "", f"{path}.path", errors)
    if "fieldRef" in item:
        validate_field_ref(item["fieldRef"], VOLUME_FIELDS, f"{path}.fieldRef", errors)
        if "resourceFieldRef" in item:
            text = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(fe.invalid(path, "resource", text))
    elif "resourceFieldRef" in item:
        validate_resource_field_ref(item["resourceFieldRef"], f"{path}.resourceFieldRef", errors, in_volume=True)
    else:
        errors.append(fe.required(path, "one of fieldRef and resourceFieldRef is required"))
    vs.file_mode(item.get("mode"), f"{path}.mode", errors)


def _projected(volume: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    vs.file_mode(volume.get("defaultMode"), f"{path}.defaultMode", errors)
    seen: set[str] = set()
    for index, source in enumerate(volume.get("sources") or ()):
        here, count = f"{path}.sources[{index}]", 0
        for kind in ("secret", "configMap", "downwardAPI", "serviceAccountToken"):
            part = source.get(kind)
            if part is None:
                continue
            count += 1
            if kind == "serviceAccountToken":
                _validate_token(part, f"{here}.{kind}", path, errors)
            else:
                _validate_projection(kind, part, f"{here}.{kind}", path, seen, errors)
        if count > 1:
            errors.append(fe.forbidden(here, ONE_TYPE))


def _validate_projection(
    kind: str, part: dict[str, Any], path: str, volume_path: str, seen: set[str], errors: list[FieldError]
) -> None:
    if kind != "downwardAPI" and not part.get("name"):
        errors.append(fe.required(f"{path}.name"))
    for index, item in enumerate(part.get("items") or ()):
        if kind == "downwardAPI":
            _validate_downward_file(item, path, errors)
        else:
            _validate_key_to_path(item, f"{path}.items[{index}]", errors)
        target = item.get("path")
        if target and target in seen:
            shown = target if kind == "downwardAPI" else part.get("name") or ""
            errors.append(fe.invalid(volume_path, shown, "conflicting duplicate paths"))
        elif target:
            seen.add(target)


def _validate_token(token: dict[str, Any], path: str, volume_path: str, errors: list[FieldError]) -> None:
    seconds = token.get("expirationSeconds") or 0
    if seconds < 600:
        text = "may not specify a duration less than 10 minutes"
        errors.append(fe.invalid(f"{path}.expirationSeconds", seconds, text))
    if seconds > 1 << 32:
        text = "may not specify a duration larger than 2^32 seconds"
        errors.append(fe.invalid(f"{path}.expirationSeconds", seconds, text))
    if not token.get("path"):
        errors.append(fe.required(f"{volume_path}.path"))


def _ephemeral(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    template = source.get("volumeClaimTemplate")
    if template is None:
        errors.append(fe.required(f"{path}.volumeClaimTemplate"))
    else:
        errors += validate_claim_template(template, f"{path}.volumeClaimTemplate")


#: Kind of source, the name its fields have in error paths, and its rules, in the order the reference looks at them.
_SOURCES: tuple[tuple[str, str, vs.Check], ...] = (
    ("emptyDir", "emptyDir", _empty_dir),
    ("hostPath", "hostPath", vs.host_path),
    ("gitRepo", "gitRepo", vs.git_repo),
    ("gcePersistentDisk", "persistentDisk", vs.persistent_disk("pdName")),
    ("awsElasticBlockStore", "awsElasticBlockStore", vs.persistent_disk("volumeID")),
    ("secret", "secret", _keyed("secretName")),
    ("nfs", "nfs", vs.nfs),
    ("iscsi", "iscsi", vs.iscsi),
    ("glusterfs", "glusterfs", vs.needs("endpoints", "path")),
    ("flocker", "flocker", vs.flocker),
    ("persistentVolumeClaim", "persistentVolumeClaim", vs.needs("claimName")),
    ("rbd", "rbd", vs.needs("monitors", "image")),
    ("cinder", "cinder", vs.cinder),
    ("cephfs", "cephfs", vs.needs("monitors")),
    ("quobyte", "quobyte", vs.quobyte),
    ("downwardAPI", "downwardAPI", _downward_api),
    ("fc", "fc", vs.fibre_channel),
    ("flexVolume", "flexVolume", vs.flex_volume),
    ("configMap", "configMap", _keyed("name")),
    ("azureFile", "azureFile", vs.needs("secretName", "shareName")),
    ("vsphereVolume", "vsphereVolume", vs.needs("volumePath")),
    ("photonPersistentDisk", "photonPersistentDisk", vs.needs("pdID")),
    ("portworxVolume", "portworxVolume", vs.needs("volumeID")),
    ("azureDisk", "azureDisk", vs.azure_disk),
    ("storageos", "storageos", vs.storage_os),
    ("projected", "projected", _projected),
    ("scaleIO", "scaleIO", vs.needs("gateway", "system", "volumeName")),
    ("csi", "csi", vs.csi),
    ("ephemeral", "ephemeral", _ephemeral),
)
_PLACES = {kind: place for place, (kind, _, _) in enumerate(_SOURCES)}
#: Misspelt in the reference's paths.
_FORBIDDEN_NAMES = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}


def validate_mounts(container: dict[str, Any], volumes: Volumes, path: str, errors: list[FieldError]) -> None:
    """Mounts name volumes of the pod and do not collide with each other or with devices."""
    devices = {device.get("name"): device.get("devicePath") for device in container.get("volumeDevices") or ()}
    mounted: set[str] = set()
    for index, mount in enumerate(container["volumeMounts"]):
        name, target = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            errors.append(fe.required(f"{path}[{index}].name"))
        if name not in volumes:
            errors.append(fe.not_found(f"{path}[{index}].name", name))
        if not target:
            errors.append(fe.required(f"{path}[{index}].mountPath"))
        if target in mounted:
            errors.append(fe.invalid(f"{path}[{index}].mountPath", target, "must be unique"))
        mounted.add(target)
        if devices:
            if name in devices:
                errors.append(fe.invalid(f"{path}[{index}].name", name, "must not already exist in volumeDevices"))
            if target in devices.values():
                text = "must not already exist as a path in volumeDevices"
                errors.append(fe.invalid(f"{path}[{index}].mountPath", target, text))
        if len(mount) > 2:
            _validate_mount_options(mount, container, f"{path}[{index}]", path, errors)


def _validate_mount_options(
    mount: dict[str, Any], container: dict[str, Any], here: str, path: str, errors: list[FieldError]
) -> None:
    if sub_path := mount.get("subPath"):
        vs.local_descending_path(sub_path, f"{path}.subPath", errors)
    if expression := mount.get("subPathExpr"):
        if sub_path:
            text = "subPathExpr and subPath are mutually exclusive"
            errors.append(fe.invalid(f"{here}.subPathExpr", expression, text))
        vs.local_descending_path(expression, f"{path}.subPathExpr", errors)
    propagation = mount.get("mountPropagation")
    if propagation is None:
        return
    field = f"{path}.mountPropagation"
    if propagation not in _PROPAGATIONS:
        errors.append(fe.not_supported(field, propagation, _PROPAGATIONS))
    if propagation == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
        text = "Bidirectional mount propagation is available only to privileged containers"
        errors.append(fe.forbidden(field, text))


def validate_devices(container: dict[str, Any], volumes: Volumes, path: str, errors: list[FieldError]) -> None:
    """Block devices come from claims and do not collide with each other or with mounts."""
    mounts = {mount.get("name"): mount.get("mountPath") for mount in container.get("volumeMounts") or ()}
    seen_names: set[str] = set()
    seen_paths: set[str] = set()
    for index, device in enumerate(container["volumeDevices"]):
        here, name, target = f"{path}[{index}]", device.get("name") or "", device.get("devicePath") or ""
        if not name:
            errors.append(fe.required(f"{here}.name"))
        if name in seen_names:
            errors.append(fe.invalid(f"{here}.name", name, "must be unique"))
        volume = volumes.get(name)
        if volume is None:
            errors.append(fe.not_found(f"{here}.name", name))
        elif "persistentVolumeClaim" not in volume and "ephemeral" not in volume:
            text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            errors.append(fe.invalid(f"{here}.name", name, text))
        if not target:
            errors.append(fe.required(f"{here}.devicePath"))
        if target in seen_paths:
            errors.append(fe.invalid(f"{here}.devicePath", target, "must be unique"))
        if ".." in target.split("/"):
            errors.append(fe.invalid(f"{here}.devicePath", target, "can not contain backsteps ('..')"))
        else:
            seen_paths.add(target)
        if name in mounts:
            errors.append(fe.invalid(f"{here}.name", name, "must not already exist in volumeMounts"))
        if target in mounts.values():
            text = "must not already exist as a path in volumeMounts"
            errors.append(fe.invalid(f"{here}.devicePath", target, text))
        seen_names.add(name)
