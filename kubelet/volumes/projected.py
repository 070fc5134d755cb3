"""projected volumes: secrets, configMaps, downward API and service account tokens in one directory, kept up to date."""

from __future__ import annotations

from apimachinery.errors import ApiError
from apimachinery.objects import Object
from kubelet.volumes import content
from kubelet.volumes.downward_api import downward_payload
from kubelet.volumes.interface import HostPath, MountFailed, VolumeContext
from kubelet.volumes.payload import DEFAULT_MODE, File, Payload, checked_path, config_map_payload, secret_payload

_TOKEN_SECONDS = 3600


class ProjectedPlugin:
    """See `VolumePlugin`."""

    name = "kubernetes.io/projected"
    refreshed = True

    async def set_up(self, context: VolumeContext) -> HostPath:
        """See `VolumePlugin`."""
        projected = context.volume["projected"]
        mode = int(projected.get("defaultMode", DEFAULT_MODE))
        payload: Payload = {}
        complaints = []
        for source in projected.get("sources") or ():
            try:
                payload |= await _project(context, source, mode)
            except MountFailed as error:
                complaints.append(str(error))
        if complaints:
            raise MountFailed(complaints[0] if len(complaints) == 1 else f"[{', '.join(complaints)}]")
        return await content.show(context, payload, in_memory=True)


async def _project(context: VolumeContext, source: Object, mode: int) -> Payload:
    pod, resources = context.pod, context.resources
    if (wanted := source.get("configMap")) is not None:
        optional = bool(wanted.get("optional"))
        name = wanted.get("name") or ""
        found = await content.fetch(resources.config_map, "configmap", pod, name, optional=optional)
        return config_map_payload(found, wanted, mode)
    if (wanted := source.get("secret")) is not None:
        optional = bool(wanted.get("optional"))
        found = await content.fetch(resources.secret, "secret", pod, wanted.get("name") or "", optional=optional)
        return secret_payload(found, wanted, mode)
    if (wanted := source.get("downwardAPI")) is not None:
        return downward_payload(pod, wanted, mode, resources.node_allocatable())
    if (wanted := source.get("serviceAccountToken")) is not None:
        return await _token(context, wanted, mode)
    raise MountFailed(f"projected source is not supported: {', '.join(sorted(source)) or 'empty'}")


async def _token(context: VolumeContext, wanted: Object, mode: int) -> Payload:
    seconds = int(wanted.get("expirationSeconds") or _TOKEN_SECONDS)
    try:
        token = await context.resources.service_account_token(context.pod, wanted.get("audience") or "", seconds)
    except ApiError as error:
        raise MountFailed(f"failed to fetch token: {error}") from error
    owner = common_user(context.pod)
    if owner is not None or context.fs_group is not None:
        mode = 0o600
    return {checked_path(wanted["path"]): File(token.encode(), mode, owner)}


def common_user(pod: Object) -> int | None:
    """The uid as which every container of the pod runs, where all say so and agree."""
    spec = pod.get("spec") or {}
    default = (spec.get("securityContext") or {}).get("runAsUser")
    containers = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    users = {(container.get("securityContext") or {}).get("runAsUser", default) for container in containers}
    user = users.pop() if len(users) == 1 else None
    return None if user is None else int(user)
