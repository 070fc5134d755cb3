"""ConfigMaps, Secrets, claims and tokens for the pods of this node, read from the API server when they are needed.

While the server does not answer, what a pod was given last is given again: its containers are restarted all the same,
as by the real kubelet, whose caches outlive their watches (pkg/kubelet/util/manager)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from api.resources import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from apimachinery.errors import ApiError
from apimachinery.meta import Resource
from apimachinery.objects import Object, key_of, name_of, namespace_of, parse_time, uid_of
from client.rest import RestClient
from kubelet.plan.environment import referenced_objects

logger = logging.getLogger(__name__)
_RENEW_AFTER = 0.8
_PATIENCE_SECONDS = 2.0
_LONGEST_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    renew_at: float
    ends_at: float


class ApiPodResources:
    """Implements `kubelet.volumes.interface.PodResources` on the API."""

    def __init__(self, client: RestClient, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._tokens: dict[tuple[str, str, int], _Token] = {}
        self._given: dict[tuple[str, str, str], Object] = {}  # by pod, resource and name
        self.allocatable: dict[str, str] = {}

    async def config_map(self, pod: Object, name: str) -> Object:
        """The ConfigMap as it is now, or was when the server answered last."""
        return await self._get(CONFIG_MAPS, pod, name)

    async def secret(self, pod: Object, name: str) -> Object:
        """The Secret as it is now, or was when the server answered last."""
        return await self._get(SECRETS, pod, name)

    async def _get(self, resource: Resource, pod: Object, name: str) -> Object:
        key = (uid_of(pod), resource.plural, name)
        known = self._given.get(key)
        try:
            # What is known is not worth a long wait: a server that died silently answers nothing for half a minute.
            async with asyncio.timeout(None if known is None else _PATIENCE_SECONDS):
                found = await self._client.get(resource, namespace_of(pod), name)
        except (ApiError, TimeoutError) as error:
            if not _is_outage(error):
                self._given.pop(key, None)
                raise
            if known is None:
                raise
            logger.info(
                "Using what was read before",
                extra={
                    "resource": resource.plural,
                    "object": name,
                    "pod": key_of(pod),
                    "error": str(error) or "no answer in time",
                },
            )
            return known
        self._given[key] = found
        return found

    async def read_ahead(self, pod: Object) -> None:
        """Read what the variables of a running pod refer to, for when its containers must be started again."""
        spec = pod["spec"]
        for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
            config_maps, secrets = referenced_objects(pod, container)
            for get, names in ((self.config_map, config_maps), (self.secret, secrets)):
                for name in names:
                    with contextlib.suppress(ApiError):
                        await get(pod, name)

    async def persistent_volume_claim(self, namespace: str, name: str) -> Object:
        """The claim as it is now."""
        return await self._client.get(PERSISTENT_VOLUME_CLAIMS, namespace, name)

    async def persistent_volume(self, name: str) -> Object:
        """The volume as it is now."""
        return await self._client.get(PERSISTENT_VOLUMES, "", name)

    async def service_account_token(self, pod: Object, audience: str, expiration_seconds: int) -> str:
        """A token bound to the pod, renewed when 80 % of its life (or a day) is over, or later while that fails."""
        key = (uid_of(pod), audience, expiration_seconds)
        known = self._tokens.get(key)
        if known is not None and self._clock() < known.renew_at:
            return known.text
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": expiration_seconds,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": name_of(pod), "uid": uid_of(pod)},
            },
        }
        account = pod["spec"].get("serviceAccountName") or "default"
        usable = known is not None and self._clock() < known.ends_at
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS if usable else None):
                answer = await self._client.create(
                    SERVICE_ACCOUNTS, request, namespace=namespace_of(pod), name=account, subresource="token"
                )
        except (ApiError, TimeoutError) as error:
            if known is None or not usable or not _is_outage(error):
                raise
            logger.info(
                "A token could not be renewed", extra={"pod": key_of(pod), "error": str(error) or "no answer in time"}
            )
            return known.text
        now = self._clock()
        text: str = answer["status"]["token"]
        expires = parse_time(answer["status"]["expirationTimestamp"]).timestamp()
        self._tokens[key] = _Token(text, now + min((expires - now) * _RENEW_AFTER, _LONGEST_SECONDS), expires)
        return text

    def node_allocatable(self) -> Mapping[str, str]:
        """The node's allocatable resources."""
        return self.allocatable

    def forget(self, pod_uid: str) -> None:
        """The pod is gone: what it was given with it."""
        for key in [key for key in self._tokens if key[0] == pod_uid]:
            del self._tokens[key]
        for given in [given for given in self._given if given[0] == pod_uid]:
            del self._given[given]


def _is_outage(error: ApiError | TimeoutError) -> bool:
    """Whether this says nothing about the object that was asked for."""
    return isinstance(error, TimeoutError) or error.code >= 500 or error.code == HTTPStatus.TOO_MANY_REQUESTS


def decode_secret(secret: Object) -> dict[str, str]:
    """The data of a Secret as text; bytes that are not UTF-8 are replaced, as an environment cannot hold them."""
    result = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            result[key] = base64.b64decode(value).decode(errors="replace")
        except binascii.Error:
            continue
    return result
