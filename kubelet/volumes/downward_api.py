"""downwardAPI volumes: fields of the pod and resources of its containers as files, kept up to date."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.objects import Object
from kubelet.plan.downward import NotOffered, field_value, resource_value
from kubelet.volumes import content
from kubelet.volumes.interface import HostPath, MountFailed, VolumeContext
from kubelet.volumes.payload import DEFAULT_MODE, File, Payload, checked_path


def downward_payload(pod: Object, source: Object, default_mode: int, allocatable: Mapping[str, str]) -> Payload:
    """The files of `source`'s items; raises MountFailed."""
    payload = {}
    for item in source.get("items") or ():
        mode = item.get("mode")
        try:
            if item.get("fieldRef"):
                text = field_value(pod, item["fieldRef"].get("fieldPath") or "")
            else:
                text = resource_value(pod, item.get("resourceFieldRef") or {}, allocatable)
        except NotOffered as error:
            raise MountFailed(str(error)) from error
        payload[checked_path(item["path"])] = File(text.encode(), default_mode if mode is None else int(mode))
    return payload


class DownwardApiPlugin:
    """See `VolumePlugin`."""

    name = "kubernetes.io/downward-api"
    refreshed = True

    async def set_up(self, context: VolumeContext) -> HostPath:
        """See `VolumePlugin`."""
        source = context.volume["downwardAPI"]
        mode = int(source.get("defaultMode", DEFAULT_MODE))
        payload = downward_payload(context.pod, source, mode, context.resources.node_allocatable())
        return await content.show(context, payload, in_memory=True)
