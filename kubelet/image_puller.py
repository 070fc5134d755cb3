"""Images are there before a container is created: pull policy, one pull per image at a time, back-off, events.

What to do is decided in `plan/images.py`; delays are those of `plan/restart.py`."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from apimachinery.objects import Object, uid_of
from kubelet.failures import StartFailed
from kubelet.plan.images import ImageName, parse_image, pull_decision
from kubelet.plan.restart import Backoff, format_precise
from kubelet.runtime.interface import Image, Runtime, RuntimeFailure, RuntimeUnavailable

logger = logging.getLogger(__name__)

#: Writes an Event about the container: (type, reason, message).
Tell = Callable[[str, str, str], None]
_SHOW_BACK_OFF_SECONDS = 2.0


class ImagePuller:
    """Ensures images. One for the kubelet."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pulls: dict[str, asyncio.Task[None]] = {}
        self._backoff = Backoff()
        self._failed_at: dict[str, datetime] = {}

    async def ensure(self, pod: Object, container: Mapping[str, Any], auths: Mapping[str, str], tell: Tell) -> Image:
        """The image of the container, pulled if its policy says so. `auths`: base64 AuthConfig by registry.

        Raises StartFailed with ErrImagePull, ImagePullBackOff, ErrImageNeverPull or InvalidImageName."""
        wanted = container.get("image") or ""
        try:
            name = parse_image(wanted)
        except ValueError as error:
            tell("Warning", "InspectFailed", f'Failed to apply default image tag "{wanted}": {error}')
            message = f'Failed to apply default image tag "{wanted}": {error}'
            raise StartFailed("InvalidImageName", message, 60) from error
        try:
            present = await self._runtime.image(name.reference)
        except RuntimeUnavailable as error:
            raise StartFailed("ImageInspectError", str(error)) from error
        decision = pull_decision(container.get("imagePullPolicy") or "IfNotPresent", present is not None)
        if decision == "never":
            message = f'Container image "{wanted}" is not present with pull policy of Never'
            tell("Warning", "ErrImageNeverPull", message)
            raise StartFailed("ErrImageNeverPull", message)
        if decision == "use" and present is not None:
            tell("Normal", "Pulled", f'Container image "{wanted}" already present on machine')
            return present
        return await self._pull(pod, wanted, name, auths, tell)

    async def _pull(self, pod: Object, wanted: str, name: ImageName, auths: Mapping[str, str], tell: Tell) -> Image:
        key = f"{uid_of(pod)}/{wanted}"
        now = datetime.now(UTC)
        failed_at = self._failed_at.get(key)
        if failed_at is not None and (until := self._backoff.until(key, failed_at, now)):
            message = f'Back-off pulling image "{wanted}"'
            tell("Normal", "BackOff", message)
            raise StartFailed("ImagePullBackOff", message, (until - now).total_seconds() + 0.1)
        tell("Normal", "Pulling", f'Pulling image "{wanted}"')
        begun = time.monotonic()
        try:
            await self._pull_once(name.reference, auths.get(name.registry, ""))
            image = await self._runtime.image(name.reference)
        except RuntimeFailure as error:
            now = datetime.now(UTC)
            self._backoff.next(key, now, now)
            self._failed_at[key] = now
            tell("Warning", "Failed", f'Failed to pull image "{wanted}": {error}')
            raise StartFailed("ErrImagePull", str(error), _SHOW_BACK_OFF_SECONDS) from error
        if image is None:
            raise StartFailed("ErrImagePull", f'image "{wanted}" is gone after its pull')
        self._failed_at.pop(key, None)
        self._backoff.forget(key)
        took = format_precise(time.monotonic() - begun)
        tell("Normal", "Pulled", f'Successfully pulled image "{wanted}" in {took} ({took} including waiting)')
        return image

    async def _pull_once(self, reference: str, auth: str) -> None:
        """Join a pull of the same image with the same credentials that is under way."""
        key = f"{reference} {auth}"
        task = self._pulls.get(key)
        if task is None:
            task = asyncio.create_task(self._runtime.pull(reference, auth), name=f"pull {reference}")
            self._pulls[key] = task
            task.add_done_callback(lambda _: self._pulls.pop(key, None))
        await asyncio.shield(task)

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._backoff.forget(uid)
        for key in [key for key in self._failed_at if key.startswith(uid)]:
            del self._failed_at[key]


def registry_auths(secrets: list[Object]) -> dict[str, str]:
    """The credentials of image pull secrets: base64 AuthConfig by registry host; other secrets are ignored."""
    result: dict[str, str] = {}
    for secret in secrets:
        data = secret.get("data") or {}
        try:
            if ".dockerconfigjson" in data:
                auths = orjson.loads(base64.b64decode(data[".dockerconfigjson"])).get("auths") or {}
            elif ".dockercfg" in data:
                auths = orjson.loads(base64.b64decode(data[".dockercfg"]))
            else:
                continue
            for registry, entry in auths.items():
                host = registry.removeprefix("https://").removeprefix("http://").split("/")[0]
                host = "docker.io" if host in ("index.docker.io", "registry-1.docker.io") else host
                result.setdefault(host, _auth_config(host, entry))
        except (ValueError, AttributeError) as error:
            name = (secret.get("metadata") or {}).get("name")
            logger.warning("An image pull secret is not readable", extra={"secret": name, "error": str(error)})
    return result


def _auth_config(host: str, entry: Mapping[str, Any]) -> str:
    username, password = entry.get("username") or "", entry.get("password") or ""
    if entry.get("auth") and not username:
        username, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    config = {"username": username, "password": password, "email": entry.get("email") or "", "serveraddress": host}
    return base64.urlsafe_b64encode(orjson.dumps(config)).decode()
