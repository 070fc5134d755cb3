"""The REST client: one aiohttp session to one API server, every answer other than 2xx raised as an ApiError."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from apimachinery.meta import Resource
from apimachinery.objects import Object

PatchType = Literal["json", "merge", "strategic", "apply"]


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Where the API server is and who we are there; made by `client.kubeconfig`."""

    server: str  #: "https://127.0.0.1:6443"
    ssl_context: ssl.SSLContext | None = None
    token: str = ""
    token_file: str = ""  #: re-read when it changes
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch; `object` of a BOOKMARK carries only the resourceVersion. ERROR is raised, not returned."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Object


class RestClient:
    """Verbs on resources. Use as an async context manager. Every call has a time limit (seconds) and raises
    `apimachinery.errors.ApiError` for an answer that says no, `ServiceUnavailable` where no answer comes."""

    def __init__(self, config: ClientConfig, *, user_agent: str, timeout_seconds: float = 30.0) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> RestClient:
        raise NotImplementedError

    async def __aexit__(self, *exc: object) -> None:
        raise NotImplementedError

    async def get(self, resource: Resource, namespace: str, name: str, *, subresource: str = "",
                  resource_version: str | None = None) -> Object:
        """One object; raises NotFound."""
        raise NotImplementedError

    async def list(self, resource: Resource, namespace: str = "", *, label_selector: str = "", field_selector: str = "",
                   resource_version: str | None = None, limit: int = 0, continue_token: str = "") -> Object:
        """The List object, with `metadata.resourceVersion` and `items`."""
        raise NotImplementedError

    async def create(self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "",
                     subresource: str = "") -> Object:
        """POST; the namespace is the object's own unless given; `name` and `subresource` for pods/binding and the like."""
        raise NotImplementedError

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """PUT at the object's own namespace and name; raises Conflict when its resourceVersion is stale."""
        raise NotImplementedError

    async def patch(self, resource: Resource, namespace: str, name: str, body: Any, *, patch_type: PatchType,
                    subresource: str = "", params: Mapping[str, str] | None = None) -> Object:
        """PATCH."""
        raise NotImplementedError

    async def delete(self, resource: Resource, namespace: str, name: str, *, grace_period_seconds: int | None = None,
                     propagation_policy: str = "", uid: str = "", resource_version: str = "") -> Object:
        """DELETE, with preconditions where uid or resource_version is given."""
        raise NotImplementedError

    def watch(self, resource: Resource, namespace: str = "", *, resource_version: str, label_selector: str = "",
              field_selector: str = "", timeout_seconds: int = 0) -> AsyncIterator[WatchEvent]:
        """Events after `resource_version`, bookmarks among them; ends when the server closes; raises Gone on 410."""
        raise NotImplementedError

    async def raw(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None,
                  params: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Any other path; status and body, errors not raised."""
        raise NotImplementedError
