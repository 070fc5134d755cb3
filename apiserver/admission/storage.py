"""DefaultStorageClass, StorageObjectInUseProtection and PersistentVolumeClaimResize: claims and volumes."""

from __future__ import annotations

from api.resources import STORAGE_CLASSES
from apimachinery import quantity
from apimachinery.objects import Object, annotations_of
from apiserver.admission.base import Plugin, Setting, newest_default, only, refuse
from apiserver.interfaces import Attributes

_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_FINALIZERS = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
}


class DefaultStorageClass(Plugin):
    """Claims that name no class get the default one."""

    name = "DefaultStorageClass"
    verbs = frozenset({"create"})
    resources = only("", "persistentvolumeclaims")

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Set storageClassName where it is absent; "" is a choice and stays."""
        if obj is None:
            return
        spec = obj.setdefault("spec", {})
        if spec.get("storageClassName") is not None or _CLASS_ANNOTATION in annotations_of(obj):
            return
        chosen = newest_default(self._api.list(STORAGE_CLASSES), _DEFAULT_ANNOTATIONS)
        if chosen is not None:
            spec["storageClassName"] = chosen["metadata"]["name"]


class StorageObjectInUseProtection(Plugin):
    """Claims and volumes are kept, once deleted, until nothing uses them."""

    name = "StorageObjectInUseProtection"
    verbs = frozenset({"create"})
    resources = {("", resource): frozenset({""}) for resource in _FINALIZERS}

    def __init__(self, setting: Setting) -> None:
        pass

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Add the finalizer."""
        if obj is None:
            return
        metadata = obj.setdefault("metadata", {})
        finalizer = _FINALIZERS[attributes.resource]
        if finalizer not in (metadata.get("finalizers") or ()):
            metadata["finalizers"] = [*(metadata.get("finalizers") or ()), finalizer]


class PersistentVolumeClaimResize(Plugin):
    """Claims grow only where they are bound and their class lets them."""

    name = "PersistentVolumeClaimResize"
    verbs = frozenset({"update"})
    resources = only("", "persistentvolumeclaims")

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        if obj is None or old is None or not quantity.parse(_size(obj)) > quantity.parse(_size(old)):
            return []
        if (old.get("status") or {}).get("phase") != "Bound":
            raise refuse(attributes, "Only bound persistent volume claims can be expanded", obj)
        name = annotations_of(old).get(_CLASS_ANNOTATION) or (old.get("spec") or {}).get("storageClassName")
        chosen = self._api.get(STORAGE_CLASSES, "", name) if name else None
        if chosen is None or not chosen.get("allowVolumeExpansion"):
            why = (
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc "
                "must support resize"
            )
            raise refuse(attributes, why, obj)
        return []


def _size(claim: Object) -> str:
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return str(requests.get("storage", "0"))
