"""CSIDrivers, CSINodes, CSIStorageCapacities and VolumeAttachments: defaults, rules, tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.persistentvolume import validate_volume_spec
from api.core.resourcenames import validate_nonnegative_quantity
from api.core.volumesources import csi_driver_name
from api.gosyntax import label_selector, named_strings, pointer, raw, struct
from api.kind import Column, Strategy
from api.strategies import STATUS_METADATA, StatusStrategy, StatusStrategyBase, bump_generation
from api.table import AGE, NAME, NONE, UNSET, age
from api.validation import names
from api.validation.labelselector import validate_label_selector
from api.validation.nodelabels import label_selector_warnings
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

DRIVER_COLUMNS = (
    NAME,
    Column(name="AttachRequired", type="boolean", description="Whether volumes are attached to nodes first."),
    Column(name="PodInfoOnMount", type="boolean", description="Whether the driver is told of the pod."),
    Column(name="StorageCapacity", type="boolean", description="Whether the driver says how much room there is."),
    Column(name="TokenRequests", description="Audiences of tokens the driver asks for."),
    Column(name="RequiresRepublish", type="boolean", description="Whether the driver is called again and again."),
    Column(name="Modes", description="Whether volumes outlive pods."),
    AGE,
)
NODE_COLUMNS = (NAME, Column(name="Drivers", type="integer", description="How many drivers the node has."), AGE)
CAPACITY_COLUMNS = (
    NAME,
    Column(name="StorageClassName", description="The class of the volumes."),
    Column(name="Capacity", description="How much room there is."),
)
ATTACHMENT_COLUMNS = (
    NAME,
    Column(name="Attacher", format="name", description="Who attaches the volume."),
    Column(name="PV", description="The volume."),
    Column(name="Node", description="The node."),
    Column(name="Attached", type="boolean", description="Whether it is attached."),
    AGE,
)
_MODES = ("Persistent", "Ephemeral")
#: Fields of a CSIDriver that do not change, and what error paths call them.
_FIXED_DRIVER_FIELDS = (
    ("attachRequired", "attachedRequired"),
    ("fsGroupPolicy", "fsGroupPolicy"),
    ("podInfoOnMount", "podInfoOnMount"),
    ("volumeLifecycleModes", "volumeLifecycleModes"),
)
_COUNTED_DRIVER_FIELDS = ("tokenRequests", "requiresRepublish", "seLinuxMount")
_FS_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_MIN_TOKEN_SECONDS, _MAX_TOKEN_SECONDS = 600, 1 << 32
_MAX_NODE_ID = 256
_MAX_METADATA, _MAX_MESSAGE = 256 * 1024, 1024


class CSIDriverStrategy(Strategy):
    """What a driver can do."""

    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """SetDefaults_CSIDriver."""
        spec = obj.setdefault("spec", {})
        spec.setdefault("attachRequired", True)
        for field in ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"):
            spec.setdefault(field, False)
        spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateCSIDriver."""
        return _validate_driver(obj["spec"])

    def prepare_update(self, new: Object, old: Object) -> None:
        """What may change counts for the generation, which is absent until the first change."""
        bump_generation(new, old, any(new["spec"].get(f) != old["spec"].get(f) for f in _COUNTED_DRIVER_FIELDS))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateCSIDriverUpdate: how volumes are attached and how long they live stays."""
        spec, before = new["spec"], old["spec"]
        errors = _validate_driver(spec)
        for field, shown in _FIXED_DRIVER_FIELDS:
            value = spec.get(field)
            if value != before.get(field):
                if isinstance(value, list):
                    value = named_strings("storage.VolumeLifecycleMode", value)
                errors.append(fe.invalid(f"spec.{shown}", value, FIELD_IMMUTABLE))
        return errors + _validate_token_requests(spec)  # the reference looks at these twice


def _validate_driver(spec: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in _FS_POLICIES:
        errors.append(fe.not_supported("spec.fsGroupPolicy", policy, _FS_POLICIES))
    errors += _validate_token_requests(spec)
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in _MODES:
            errors.append(fe.not_supported("spec.volumeLifecycleModes", mode, _MODES))
    return errors


def _validate_token_requests(spec: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, request in enumerate(spec.get("tokenRequests") or ()):
        path, seconds = f"spec.tokenRequests[{index}]", request.get("expirationSeconds")
        audience: str = request.get("audience") or ""
        if audience in seen:
            errors.append(fe.duplicate(f"{path}.audience", audience))
            continue
        seen.add(audience)
        if seconds is not None and seconds < _MIN_TOKEN_SECONDS:
            text = "may not specify a duration less than 10 minutes"
            errors.append(fe.invalid(f"{path}.expirationSeconds", seconds, text))
        if seconds is not None and seconds > _MAX_TOKEN_SECONDS:
            text = "may not specify a duration larger than 2^32 seconds"
            errors.append(fe.invalid(f"{path}.expirationSeconds", seconds, text))
    return errors


class CSINodeStrategy(Strategy):
    """The drivers of one node."""

    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """A node without drivers has none, rather than an empty list of them."""
        spec = obj.setdefault("spec", {})
        spec["drivers"] = spec.get("drivers") or None

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateCSINode."""
        errors: list[FieldError] = []
        seen: set[str] = set()
        for index, driver in enumerate((obj.get("spec") or {}).get("drivers") or ()):
            path, name = f"spec.drivers[{index}]", driver.get("name") or ""
            csi_driver_name(name, f"{path}.name", errors)
            node = driver.get("nodeID") or ""
            if not node:
                errors.append(fe.required(f"{path}.nodeID"))
            elif len(node) > _MAX_NODE_ID:
                errors.append(fe.invalid(f"{path}.nodeID", node, f"must be {_MAX_NODE_ID} characters or less"))
            count = (driver.get("allocatable") or {}).get("count")
            if count is not None and count < 0:
                errors.append(fe.invalid(f"{path}.allocatable.count", count, "must be greater than or equal to 0"))
            if name in seen:
                errors.append(fe.duplicate(f"{path}.name", name))
            seen.add(name)
            _validate_topology_keys(driver.get("topologyKeys") or (), path, errors)
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateCSINode and ValidateCSINodeUpdate, so that every cause is told twice: a driver stays as it is."""
        errors = self.validate(new) * 2
        drivers = (new.get("spec") or {}).get("drivers") or ()
        for before in (old.get("spec") or {}).get("drivers") or ():
            errors += [
                fe.invalid("CSINodeDriver", _node_driver_value(driver), FIELD_IMMUTABLE)
                for driver in drivers
                if driver.get("name") == before.get("name") and driver != before
            ]
        return errors


def _node_driver_value(driver: Mapping[str, Any]) -> fe.GoSyntax:
    return struct(
        "storage.CSINodeDriver",
        Name=fe.go_quote(driver.get("name") or ""),
        NodeID=fe.go_quote(driver.get("nodeID") or ""),
        TopologyKeys=named_strings("string", driver.get("topologyKeys") or None),
        Allocatable=pointer("storage.VolumeNodeResources", driver.get("allocatable")),
    )


def _validate_topology_keys(keys: Sequence[str], path: str, errors: list[FieldError]) -> None:
    for index, key in enumerate(keys):
        if not key:
            errors.append(fe.required(path))
        if key in keys[:index]:
            errors.append(fe.duplicate(path, key))
        errors.extend(fe.invalid(path, key, text) for text in names.qualified_name(key))


class CSIStorageCapacityStrategy(Strategy):
    """How much room a driver has in one place."""

    allow_unconditional_update = False

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateCSIStorageCapacity."""
        errors = validate_label_selector(obj.get("nodeTopology"), "nodeTopology")
        name = obj.get("storageClassName") or ""
        errors.extend(fe.invalid("storageClassName", name, text) for text in names.dns1123_subdomain(name))
        if "capacity" in obj:
            errors += validate_nonnegative_quantity(obj["capacity"], "capacity")
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What the capacity is about stays."""
        errors = self.validate(new)
        for field in ("nodeTopology", "storageClassName"):
            if new.get(field) != old.get(field):
                value = new.get(field)
                shown = raw(label_selector(value)) if isinstance(value, dict) else value
                errors.append(fe.invalid(field, shown, FIELD_IMMUTABLE))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """A topology that goes by old labels of nodes."""
        return label_selector_warnings(obj.get("nodeTopology"), "nodeTopology")


class VolumeAttachmentStrategy(StatusStrategyBase):
    """The wish that a volume be attached to a node."""

    allow_unconditional_update = False
    empty_status = {"attached": False}

    def default(self, obj: Object) -> None:
        """There is always a spec."""
        obj.setdefault("spec", {"attacher": "", "source": {}, "nodeName": ""})

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateVolumeAttachmentV1."""
        errors = _validate_attachment(obj["spec"])
        csi_driver_name(obj["spec"].get("attacher") or "", "spec.attacher", errors)
        volume = (obj["spec"].get("source") or {}).get("persistentVolumeName")
        if volume is not None:
            field = "spec.source.persistentVolumeName"
            errors.extend(fe.invalid(field, volume, text) for text in names.dns1123_subdomain(volume))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateVolumeAttachment, told of twice, and ValidateVolumeAttachmentUpdate: the wish stays."""
        errors = (_validate_attachment(new["spec"]) + _validate_attachment_status(new.get("status") or {})) * 2
        if new["spec"] != old["spec"]:
            errors.append(fe.invalid("spec", _attachment_value(new["spec"]), FIELD_IMMUTABLE))
        return errors


class VolumeAttachmentStatusStrategy(StatusStrategy):
    """volumeattachments/status: what the attacher came to."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """As the whole object."""
        return self.parent.validate_update(new, old)


def _attachment_value(spec: Mapping[str, Any]) -> fe.GoSyntax:
    source = spec.get("source") or {}
    shown = struct(
        "storage.VolumeAttachmentSource",
        PersistentVolumeName=pointer("string", source.get("persistentVolumeName")),
        InlineVolumeSpec=pointer("core.PersistentVolumeSpec", source.get("inlineVolumeSpec")),
    )
    attacher, node = (fe.go_quote(spec.get(field) or "") for field in ("attacher", "nodeName"))
    return struct("storage.VolumeAttachmentSpec", Attacher=attacher, Source=shown, NodeName=node)


def _validate_attachment(spec: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    attacher, node, source = spec.get("attacher") or "", spec.get("nodeName") or "", spec.get("source") or {}
    if not attacher:
        errors.append(fe.required("spec.attacher"))
    inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if (inline is None) == (volume is None):
        text = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        errors.append(fe.required("spec.source", text) if volume is None else fe.forbidden("spec.source", text))
    elif volume is not None:
        field = "spec.source.persistentVolumeName"
        if not volume:
            errors.append(fe.required(field, "must specify non empty persistentVolumeName"))
    else:
        errors += validate_volume_spec(inline or {}, "spec.source.inlineVolumeSpec", inline=True)
    errors.extend(fe.invalid("spec.nodeName", node, text) for text in names.dns1123_subdomain(node))
    return errors


def _validate_attachment_status(status: Mapping[str, Any]) -> list[FieldError]:
    """validateVolumeAttachmentStatus; of messages that are too long it tells the limit of the metadata."""
    errors: list[FieldError] = []
    metadata = status.get("attachmentMetadata") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) > _MAX_METADATA:
        errors.append(fe.too_long("status.attachmentMetadata", "", _MAX_METADATA))
    for field in ("attachError", "detachError"):
        message = (status.get(field) or {}).get("message") or ""
        if len(message.encode()) > _MAX_MESSAGE:
            errors.append(fe.too_long(f"status.{field}.message", "", _MAX_METADATA))
    return errors


def driver_cells(driver: Object, now: datetime) -> list[Any]:
    """One row of CSIDrivers."""
    spec = driver.get("spec") or {}
    tokens = ",".join(request.get("audience") or "" for request in spec.get("tokenRequests") or ())
    return [
        driver["metadata"].get("name"),
        bool(spec.get("attachRequired", True)),
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        tokens or UNSET,
        bool(spec.get("requiresRepublish")),
        ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
        age(driver, now),
    ]


def node_cells(node: Object, now: datetime) -> list[Any]:
    """One row of CSINodes."""
    return [node["metadata"].get("name"), len((node.get("spec") or {}).get("drivers") or ()), age(node, now)]


def capacity_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of CSIStorageCapacities."""
    return [obj["metadata"].get("name"), obj.get("storageClassName") or "", obj.get("capacity") or UNSET]


def attachment_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of VolumeAttachments."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        obj["metadata"].get("name"),
        spec.get("attacher") or "",
        (spec.get("source") or {}).get("persistentVolumeName") or "",
        spec.get("nodeName") or "",
        bool(status.get("attached")),
        age(obj, now),
    ]


CSI_DRIVER, CSI_NODE, CSI_STORAGE_CAPACITY = CSIDriverStrategy(), CSINodeStrategy(), CSIStorageCapacityStrategy()
VOLUME_ATTACHMENT = VolumeAttachmentStrategy()
VOLUME_ATTACHMENT_STATUS = VolumeAttachmentStatusStrategy(VOLUME_ATTACHMENT, keep_metadata=STATUS_METADATA)
