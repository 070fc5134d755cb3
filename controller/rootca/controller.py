"""Publishes the cluster's CA in the ConfigMap kube-root-ca.crt of every namespace, where pods' service account volumes
take it from."""

from __future__ import annotations

from pathlib import Path

from api.resources import CONFIG_MAPS, NAMESPACES
from apimachinery.objects import Object, is_deleting, name_of, namespace_of
from controller.context import Context
from controller.loop import Controller
from controller.serviceaccount.controller import create_in_namespace

NAME = "kube-root-ca.crt"
_KEY = "ca.crt"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


def read_root_ca(root_ca_file: str) -> str:
    """The PEM text of --root-ca-file; "" without one. Raises OSError."""
    return Path(root_ca_file).read_text() if root_ca_file else ""


class RootCAPublisher(Controller):
    """Keys are names of namespaces."""

    name = "root_ca_cert_publisher"

    def __init__(self, context: Context, root_ca: str, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._root_ca = root_ca
        self._namespaces = self.watch(NAMESPACES)
        self._config_maps = self.context.informers.informer(CONFIG_MAPS, field_selector=f"metadata.name={NAME}")
        self._informers.append(self._config_maps)
        self._namespaces.on_change(self.enqueue_changed)
        self._config_maps.on_change(self._config_map_changed)

    def _config_map_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new if new is not None else old
        if changed is not None and name_of(changed) == NAME:
            self.queue.add(namespace_of(changed))

    async def sync(self, key: str) -> None:
        """Create the ConfigMap, or put its content right."""
        namespace = self._namespaces.store.get(key)
        if namespace is None or is_deleting(namespace):
            return
        data = {_KEY: self._root_ca}
        current = self._config_maps.store.get(f"{key}/{NAME}")
        if current is not None:
            if current.get("data") != data:
                await self.client.update(CONFIG_MAPS, {**current, "data": data})
            return
        annotations = {"kubernetes.io/description": _DESCRIPTION}
        meta = {"name": NAME, "namespace": key, "annotations": annotations}
        await create_in_namespace(
            self, CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        )
