"""configMap volumes: a file per key, kept up to date."""

from __future__ import annotations

from kubelet.volumes import content
from kubelet.volumes.interface import HostPath, VolumeContext
from kubelet.volumes.payload import DEFAULT_MODE, config_map_payload


class ConfigMapPlugin:
    """See `VolumePlugin`."""

    name = "kubernetes.io/configmap"
    refreshed = True

    async def set_up(self, context: VolumeContext) -> HostPath:
        """See `VolumePlugin`."""
        source = context.volume["configMap"]
        config_map = await content.fetch(
            context.resources.config_map, "configmap", context.pod, source.get("name") or "",
            optional=bool(source.get("optional")),
        )  # fmt: skip
        payload = config_map_payload(config_map, source, int(source.get("defaultMode", DEFAULT_MODE)))
        return await content.show(context, payload, in_memory=False)
