"""The objects that rules look up by name, from the informers' stores; and the selectors pods are spread by."""

from __future__ import annotations

from collections.abc import Sequence

from api.resources import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SERVICES,
    STATEFUL_SETS,
    STORAGE_CLASSES,
)
from apimachinery import labels
from apimachinery.labels import Selector
from apimachinery.objects import Object, controller_of
from client.informer import InformerFactory
from scheduler.podinfo import PodInfo


class StoreLookups:
    """`scheduler.snapshot.Lookups` on informer stores."""

    def __init__(self, factory: InformerFactory) -> None:
        self._claims = factory.informer(PERSISTENT_VOLUME_CLAIMS).store
        self._volumes = factory.informer(PERSISTENT_VOLUMES).store
        self._classes = factory.informer(STORAGE_CLASSES).store
        self._services = factory.informer(SERVICES).store
        self._owners = {
            resource.kind: factory.informer(resource).store
            for resource in (REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS)
        }

    def claim(self, namespace: str, name: str) -> Object | None:
        """A PersistentVolumeClaim."""
        return self._claims.get(f"{namespace}/{name}")

    def volume(self, name: str) -> Object | None:
        """A PersistentVolume."""
        return self._volumes.get(name)

    def volumes(self) -> Sequence[Object]:
        """All PersistentVolumes."""
        return self._volumes.list()

    def storage_class(self, name: str) -> Object | None:
        """A StorageClass."""
        return self._classes.get(name)

    def spreading_selector(self, pod: PodInfo) -> Selector | None:
        """The labels of every Service that selects the pod, and the owner's selector, all together."""
        owner = controller_of(pod.pod)
        found = None
        if owner is not None and owner.get("kind") in self._owners:
            found = self._owners[owner["kind"]].get(f"{pod.namespace}/{owner.get('name')}")
        return spreading_selector(pod, self._services.list(pod.namespace), found)


def spreading_selector(pod: PodInfo, services: Sequence[Object], owner: Object | None) -> Selector | None:
    """As k8s.io/kubernetes' helper.DefaultSelector puts it together; None where nothing selects the pod."""
    wanted: dict[str, str] = {}
    for service in services:
        selector = (service.get("spec") or {}).get("selector") or {}
        if selector and all(pod.labels.get(key) == value for key, value in selector.items()):
            wanted.update(selector)
    requirements = list(labels.from_map(wanted).requirements)
    if owner is not None:
        selector = (owner.get("spec") or {}).get("selector")
        if owner.get("kind") == REPLICATION_CONTROLLERS.kind:
            requirements += labels.from_map(selector).requirements
        else:
            requirements += labels.from_label_selector(selector).requirements
    return Selector(requirements) if requirements else None
