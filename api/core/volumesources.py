"""Rules for volume sources, for pods and for PersistentVolumes alike: which fields each kind of source needs.

Pure. A table names what is simply required; what needs more than that has a function of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

Check = Callable[[dict[str, Any], str, list[FieldError]], None]

FILE_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_IQN = re.compile(r"iqn\.\d{4}-\d{2}\.([a-zA-Z0-9.-]+)(:[^,;*&$|\s]+)$")
_EUI = re.compile(r"^eui.[a-zA-Z0-9]{16}$")
_NAA = re.compile(r"^naa.[a-zA-Z0-9]{32}$")


def no_backsteps(value: str, path: str, errors: list[FieldError]) -> None:
    """No part of the path is ".."."""
    if ".." in value.split("/"):
        errors.append(fe.invalid(path, value, "must not contain '..'"))


def local_descending_path(value: str, path: str, errors: list[FieldError]) -> None:
    """A relative path that stays below where it starts."""
    if value.startswith("/"):
        errors.append(fe.invalid(path, value, "must be a relative path"))
    no_backsteps(value, path, errors)


def local_non_reserved_path(value: str, path: str, errors: list[FieldError]) -> None:
    """A descending path whose name does not start with "..", which the atomic writer uses itself."""
    local_descending_path(value, path, errors)
    if value.startswith("..") and not value.startswith("../"):
        errors.append(fe.invalid(path, value, "must not start with '..'"))


def file_mode(value: int | None, path: str, errors: list[FieldError]) -> None:
    """Permission bits, nothing else."""
    if value is not None and not 0 <= value <= 0o777:
        errors.append(fe.invalid(path, value, FILE_MODE))


def _need(source: Mapping[str, Any], path: str, errors: list[FieldError], *fields: str) -> None:
    errors.extend(fe.required(f"{path}.{field}") for field in fields if not source.get(field))


def needs(*fields: str) -> Check:
    """A check that the fields are there."""

    def check(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
        _need(source, path, errors, *fields)

    return check


def host_path(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A path on the node, without "..", of a known type."""
    value = source.get("path")
    if not value:
        errors.append(fe.required(f"{path}.path"))
        return
    no_backsteps(value, f"{path}.path", errors)
    kind = source.get("type")
    if kind is not None and kind not in HOST_PATH_TYPES:
        errors.append(fe.not_supported(f"{path}.type", kind, HOST_PATH_TYPES))


def local(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A path on one node."""
    value = source.get("path")
    if not value:
        errors.append(fe.required(f"{path}.path"))
        return
    no_backsteps(value, f"{path}.path", errors)


def git_repo(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A repository, cloned into a relative directory."""
    _need(source, path, errors, "repository")
    local_descending_path(source.get("directory") or "", f"{path}.directory", errors)


def persistent_disk(name_field: str) -> Check:
    """A cloud disk with a partition number."""

    def check(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
        _need(source, path, errors, name_field)
        partition = source.get("partition") or 0
        if not 0 <= partition <= 255:
            errors.append(fe.invalid(f"{path}.partition", partition, names.inclusive_range(1, 255)))

    return check


def nfs(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A server and an absolute path."""
    _need(source, path, errors, "server", "path")
    value = source.get("path") or ""
    if not value.startswith("/"):
        errors.append(fe.invalid(f"{path}.path", value, "must be an absolute path"))


def _iscsi_name_problem(name: str) -> str:
    for prefix, pattern in (("iqn", _IQN), ("eui", _EUI), ("naa", _NAA)):
        if name.startswith(prefix):
            return "" if pattern.search(name) else "must be valid format"
    return "must be valid format starting with iqn, eui, or naa"


def iscsi(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A target portal, names of the right form, a LUN."""
    _need(source, path, errors, "targetPortal")
    if not source.get("iqn"):
        errors.append(fe.required(f"{path}.iqn"))
    elif problem := _iscsi_name_problem(source["iqn"]):
        errors.append(fe.invalid(f"{path}.iqn", source["iqn"], problem))
    lun = source.get("lun") or 0
    if not 0 <= lun <= 255:
        errors.append(fe.invalid(f"{path}.lun", lun, names.inclusive_range(0, 255)))
    secret = source.get("secretRef")
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and secret is None:
        errors.append(fe.required(f"{path}.secretRef"))
    initiator = source.get("initiatorName")
    if initiator is not None and (problem := _iscsi_name_problem(initiator)):
        errors.append(fe.invalid(f"{path}.initiatorname", initiator, problem))


def fibre_channel(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """Either target names with a LUN, or world wide ids."""
    targets, wwids = source.get("targetWWNs"), source.get("wwids")
    if not targets and not wwids:
        errors.append(fe.required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both"))
    if targets and wwids:
        text = "targetWWNs and wwids can not be specified simultaneously"
        errors.append(fe.invalid(f"{path}.targetWWNs", targets, text))
    if targets:
        lun = source.get("lun")
        if lun is None:
            errors.append(fe.required(f"{path}.lun", "lun is required if targetWWNs is specified"))
        elif not 0 <= lun <= 255:
            errors.append(fe.invalid(f"{path}.lun", lun, names.inclusive_range(0, 255)))


def flocker(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A dataset by name or by UUID."""
    name, uuid = source.get("datasetName") or "", source.get("datasetUUID") or ""
    if not name and not uuid:
        errors.append(fe.required(path, "one of datasetName and datasetUUID is required"))
    if name and uuid:
        text = "datasetName and datasetUUID can not be specified simultaneously"
        errors.append(fe.invalid(path, "resource", text))
    if "/" in name:
        errors.append(fe.invalid(f"{path}.datasetName", name, "must not contain '/'"))


def quobyte(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A registry of host:port pairs and a volume."""
    registry = source.get("registry") or ""
    pairs = "must be a host:port pair or multiple pairs separated by commas"
    if not registry:
        errors.append(fe.required(f"{path}.registry", pairs))
    elif len(source.get("tenant") or "") >= 65:
        text = "must be a UUID and may not exceed a length of 64 characters"
        errors.append(fe.required(f"{path}.tenant", text))
    else:
        for pair in registry.split(","):
            if pair.count(":") != 1 and not re.fullmatch(r"\[[^\]]*\]:[^:]*", pair):
                errors.append(fe.invalid(f"{path}.registry", registry, pairs))
    _need(source, path, errors, "volume")


def flex_volume(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A driver, and no options in Kubernetes' own name space."""
    _need(source, path, errors, "driver")
    for key in source.get("options") or {}:
        domain = "." + key.split("/", 1)[0].lower()
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            text = "kubernetes.io and k8s.io namespaces are reserved"
            errors.append(fe.invalid(f"{path}.options[{key}]", key, text))


def azure_disk(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A disk's name and a URI of the form its kind has."""
    _need(source, path, errors, "diskName", "diskURI")
    caching, kind, uri = source.get("cachingMode"), source.get("kind"), source.get("diskURI") or ""
    modes, kinds = ("None", "ReadOnly", "ReadWrite"), ("Dedicated", "Managed", "Shared")
    if caching is not None and caching not in modes:
        errors.append(fe.not_supported(f"{path}.cachingMode", caching, modes))
    if kind is not None and kind not in kinds:
        errors.append(fe.not_supported(f"{path}.kind", kind, kinds))
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        form = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
        errors.append(fe.not_supported(f"{path}.diskURI", uri, (form,)))
    if kind is not None and kind != "Managed" and not uri.startswith("https://"):
        form = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        errors.append(fe.not_supported(f"{path}.diskURI", uri, (form,)))


def storage_os(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A volume's name and namespace as DNS labels."""
    name = source.get("volumeName") or ""
    if not name:
        errors.append(fe.required(f"{path}.volumeName"))
    else:
        errors.extend(fe.invalid(f"{path}.volumeName", name, text) for text in names.dns1123_label(name))
    if namespace := source.get("volumeNamespace"):
        field = f"{path}.volumeNamespace"
        errors.extend(fe.invalid(field, namespace, text) for text in names.dns1123_label(namespace))
    if (secret := source.get("secretRef")) is not None:
        _need(secret, f"{path}.secretRef", errors, "name")


def cinder(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A volume id, and a named secret if any."""
    _need(source, path, errors, "volumeID")
    if (secret := source.get("secretRef")) is not None:
        _need(secret, f"{path}.secretRef", errors, "name")


def csi_driver_name(driver: str, path: str, errors: list[FieldError]) -> None:
    """A CSI driver's name: a DNS subdomain in any case, at most 63 long."""
    if not driver:
        errors.append(fe.required(path))
    if len(driver) > 63:
        errors.append(fe.too_long(path, driver, 63))
    errors.extend(fe.invalid(path, driver, text) for text in names.dns1123_subdomain(driver.lower()))


def csi(source: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A CSI volume inside a pod."""
    csi_driver_name(source.get("driver") or "", f"{path}.driver", errors)
    if (secret := source.get("nodePublishSecretRef")) is not None:
        name = secret.get("name") or ""
        if not name:
            errors.append(fe.required(f"{path}.nodePublishSecretRef.name"))
        else:
            errors.extend(fe.invalid(f"{path}.name", name, text) for text in names.dns1123_subdomain(name))
