"""ConfigMaps, Secrets, claims and tokens for the pods of this node, read from the API server when they are needed."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass

from api.resources import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from apimachinery.objects import Object, name_of, namespace_of, parse_time, uid_of
from client.rest import RestClient

_RENEW_AFTER = 0.8
_LONGEST_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    renew_at: float


class ApiPodResources:
    """Implements `kubelet.volumes.interface.PodResources` on the API."""

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self._tokens: dict[tuple[str, str, int], _Token] = {}
        self.allocatable: dict[str, str] = {}

    async def config_map(self, namespace: str, name: str) -> Object:
        """The ConfigMap as it is now."""
        return await self._client.get(CONFIG_MAPS, namespace, name)

    async def secret(self, namespace: str, name: str) -> Object:
        """The Secret as it is now."""
        return await self._client.get(SECRETS, namespace, name)

    async def persistent_volume_claim(self, namespace: str, name: str) -> Object:
        """The claim as it is now."""
        return await self._client.get(PERSISTENT_VOLUME_CLAIMS, namespace, name)

    async def persistent_volume(self, name: str) -> Object:
        """The volume as it is now."""
        return await self._client.get(PERSISTENT_VOLUMES, "", name)

    async def service_account_token(self, pod: Object, audience: str, expiration_seconds: int) -> str:
        """A token bound to the pod, renewed when 80 % of its life (or a day) is over."""
        key = (uid_of(pod), audience, expiration_seconds)
        known = self._tokens.get(key)
        if known is not None and time.time() < known.renew_at:
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
        answer = await self._client.create(
            SERVICE_ACCOUNTS, request, namespace=namespace_of(pod), name=account, subresource="token"
        )
        now = time.time()
        text: str = answer["status"]["token"]
        expires = parse_time(answer["status"]["expirationTimestamp"]).timestamp()
        self._tokens[key] = _Token(text, now + min((expires - now) * _RENEW_AFTER, _LONGEST_SECONDS))
        return text

    def node_allocatable(self) -> Mapping[str, str]:
        """The node's allocatable resources."""
        return self.allocatable

    def forget(self, pod_uid: str) -> None:
        """The pod is gone: its tokens with it."""
        for key in [key for key in self._tokens if key[0] == pod_uid]:
            del self._tokens[key]


def decode_secret(secret: Object) -> dict[str, str]:
    """The data of a Secret as text; bytes that are not UTF-8 are replaced, as an environment cannot hold them."""
    result = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            result[key] = base64.b64decode(value).decode(errors="replace")
        except binascii.Error:
            continue
    return result
