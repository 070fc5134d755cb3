"""Starts one container of a pod: image, environment, mounts, create, start, postStart; each failure with its Event.

What the container looks like in Docker is decided in `plan/docker_config.py`."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apimachinery.errors import ApiError, NotFound
from apimachinery.objects import Object
from kubelet.failures import StartFailed, unless
from kubelet.handlers import HandlerBroken, HandlerFailed, Handlers
from kubelet.image_puller import registry_auths
from kubelet.node_services import NodeServices
from kubelet.plan.docker_config import Bind, container_config
from kubelet.plan.environment import MissingReference, container_environment, referenced_objects
from kubelet.plan.images import parse_image
from kubelet.plan.names import container_name
from kubelet.plan.records import ContainerRecord
from kubelet.plan.security import SecurityError, check_non_root, effective
from kubelet.pod_resources import decode_secret
from kubelet.runtime.interface import Image, RuntimeFailure
from kubelet.volumes.interface import HostPath, SubPathFailed

logger = logging.getLogger(__name__)

_PROPAGATION = {"HostToContainer": "rslave", "Bidirectional": "rshared"}
_HOOK_SECONDS = 600.0


class ContainerStarter:
    """Starts containers on this node."""

    def __init__(self, node: NodeServices, handlers: Handlers) -> None:
        self._node = node
        self._handlers = handlers

    async def start(
        self, pod: Object, container: Mapping[str, Any], *, attempt: int, sandbox: ContainerRecord, pod_ip: str,
        volumes: Mapping[str, HostPath], ending: asyncio.Event,
    ) -> None:  # fmt: skip
        """Start the container; raises StartFailed after writing the Event, Interrupted when `ending` is set while an
        image is pulled or the postStart hook runs."""
        name = container["name"]
        image = await unless(ending, self._image(pod, container), f"image of {name}")
        try:
            config = await self._config(pod, container, image, attempt, sandbox, pod_ip, volumes)
        except (MissingReference, SecurityError, SubPathFailed, ApiError, OSError) as error:
            self._node.event(pod, "Warning", "Failed", f"Error: {error}", name)
            raise StartFailed("CreateContainerConfigError", str(error)) from error
        container_id = await self._create(pod, container, attempt, config)
        try:
            await self._node.runtime.start(container_id)
        except RuntimeFailure as error:
            await self._refresh_quietly(container_id)
            message = f'failed to start container "{name}": {error}'
            self._node.event(pod, "Warning", "Failed", f"Error: {message}", name)
            raise StartFailed("RunContainerError", message, 1.0) from error
        self._node.event(pod, "Normal", "Started", f"Started container {name}", name)
        await self._refresh_quietly(container_id)
        if (container.get("lifecycle") or {}).get("postStart"):
            hook = self._post_start(pod, container, container_id, pod_ip)
            await unless(ending, hook, f"postStart of {name}")

    async def _image(self, pod: Object, container: Mapping[str, Any]) -> Image:
        name = container["name"]

        def tell(type: str, reason: str, message: str) -> None:
            self._node.event(pod, type, reason, message, name)

        auths = await self._auths(pod)
        try:
            return await self._node.images.ensure(pod, container, auths, tell)
        except StartFailed as error:
            tell("Warning", "Failed", f"Error: {error.reason}")
            raise

    async def _auths(self, pod: Object) -> dict[str, str]:
        secrets = []
        for reference in pod["spec"].get("imagePullSecrets") or ():
            try:
                secrets.append(await self._node.resources.secret(pod, reference.get("name") or ""))
            except ApiError as error:
                text = "Unable to retrieve some image pull secrets"
                self._node.event(
                    pod, "Warning", "FailedToRetrieveImagePullSecret",
                    f"{text} ({reference.get('name')}); attempting to pull the image may not succeed.",
                )  # fmt: skip
                logger.info(text, extra={"secret": reference.get("name"), "error": str(error)})
        return registry_auths(secrets)

    async def _config(
        self, pod: Object, container: Mapping[str, Any], image: Image, attempt: int, sandbox: ContainerRecord,
        pod_ip: str, volumes: Mapping[str, HostPath],
    ) -> dict[str, Any]:  # fmt: skip
        check_non_root(pod, container, image.user)
        environment = await self._environment(pod, container, pod_ip)
        binds = await self._binds(pod, container, volumes, environment)
        message_path = container.get("terminationMessagePath") or "/dev/termination-log"
        message_file = self._node.pod_dir(pod) / "containers" / container["name"] / uuid.uuid4().hex[:8]
        await asyncio.to_thread(_make_message_file, message_file)
        binds.append(Bind(str(message_file), message_path))
        profile = (effective(pod, container).get("seccompProfile") or {}).get("localhostProfile") or ""
        config = container_config(
            pod, container, image=parse_image(container["image"]).reference, sandbox_id=sandbox.id, attempt=attempt,
            environment=environment, binds=binds, settings=self._node.settings, message_file=str(message_file),
            profiles=await asyncio.to_thread(_seccomp_profile, Path(self._node.settings.root_dir), profile),
        )  # fmt: skip
        target = container.get("targetContainerName")
        if target:
            found = self._node.cache.pod(pod["metadata"]["uid"]).latest(target)
            if found is not None and found.running:
                config["HostConfig"]["PidMode"] = f"container:{found.id}"
        return config

    async def _environment(self, pod: Object, container: Mapping[str, Any], pod_ip: str) -> dict[str, str]:
        node = self._node
        config_map_names, secret_names = referenced_objects(pod, container)
        config_maps: dict[str, Object | None] = {}
        secrets: dict[str, Mapping[str, str] | None] = {}
        for name in config_map_names:
            try:
                config_maps[name] = await node.resources.config_map(pod, name)
            except NotFound:
                config_maps[name] = None
        for name in secret_names:
            try:
                secrets[name] = decode_secret(await node.resources.secret(pod, name))
            except NotFound:
                secrets[name] = None
        return container_environment(
            pod, container, services=node.services(), config_maps=config_maps, secrets=secrets, pod_ip=pod_ip,
            host_ip=node.host_ip, allocatable=node.resources.node_allocatable(),
        )  # fmt: skip

    async def _binds(
        self, pod: Object, container: Mapping[str, Any], volumes: Mapping[str, HostPath], environment: dict[str, str]
    ) -> list[Bind]:
        binds = []
        mounts = container.get("volumeMounts") or ()
        for index, mount in enumerate(mounts):
            path = await self._node.volumes.mount_path(pod, container["name"], index, volumes, environment)
            propagation = _PROPAGATION.get(mount.get("mountPropagation") or "", "")
            binds.append(Bind(str(path.path), mount["mountPath"], path.read_only, propagation))
        taken = {mount["mountPath"] for mount in mounts}
        for file, target in (("etc-hosts", "/etc/hosts"), ("resolv.conf", "/etc/resolv.conf")):
            if target not in taken:
                binds.append(Bind(str(self._node.pod_dir(pod) / file), target))
        return binds

    async def _create(self, pod: Object, container: Mapping[str, Any], attempt: int, config: dict[str, Any]) -> str:
        name = container["name"]
        try:
            container_id = await self._node.runtime.create(container_name(pod, name, attempt), config)
        except RuntimeFailure as error:
            self._node.event(pod, "Warning", "Failed", f"Error: {error}", name)
            raise StartFailed("CreateContainerError", str(error)) from error
        self._node.event(pod, "Normal", "Created", f"Created container {name}", name)
        return container_id

    async def _refresh_quietly(self, container_id: str) -> None:
        try:
            await self._node.cache.refresh(container_id)
        except RuntimeFailure as error:
            logger.info("A container's state will be known later", extra={"error": str(error)})

    async def _post_start(self, pod: Object, container: Mapping[str, Any], container_id: str, pod_ip: str) -> None:
        hook = container["lifecycle"]["postStart"]
        try:
            await self._handlers.run(hook, container, container_id, pod_ip, _HOOK_SECONDS)
        except (HandlerFailed, HandlerBroken) as error:
            self._node.event(pod, "Warning", "FailedPostStartHook", "PostStartHook failed", container["name"])
            logger.info("postStart hook failed", extra={"container": container["name"], "error": str(error)})
            grace = float(pod["spec"].get("terminationGracePeriodSeconds", 30))
            try:
                self._node.event(pod, "Normal", "Killing", "FailedPostStartHook", container["name"])
                await self._node.runtime.stop(container_id, grace)
            except RuntimeFailure as failure:
                logger.warning("A container could not be stopped", extra={"error": str(failure)})
            await self._refresh_quietly(container_id)
            raise StartFailed("PostStartHookError", f"PostStartHook failed: {error}", 1.0) from error


def _make_message_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o666)
    path.chmod(0o666)  # the container's user may be anybody


def _seccomp_profile(root_dir: Path, name: str) -> dict[str, str]:
    if not name:
        return {}
    path = root_dir / "seccomp" / name
    return {name: path.read_text()} if path.is_file() else {}
