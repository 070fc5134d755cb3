"""secret volumes: a file per key, in memory only, kept up to date."""

from __future__ import annotations

from kubelet.volumes import content
from kubelet.volumes.interface import HostPath, VolumeContext
from kubelet.volumes.payload import DEFAULT_MODE, secret_payload


class SecretPlugin:
    """See `VolumePlugin`."""

    name = "kubernetes.io/secret"
    refreshed = True

    async def set_up(self, context: VolumeContext) -> HostPath:
        """See `VolumePlugin`."""
        source = context.volume["secret"]
        secret = await content.fetch(
            context.resources.secret, "secret", context.pod, source.get("secretName") or "",
            optional=bool(source.get("optional")),
        )  # fmt: skip
        payload = secret_payload(secret, source, int(source.get("defaultMode", DEFAULT_MODE)))
        return await content.show(context, payload, in_memory=True)
