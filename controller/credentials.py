"""--use-service-account-credentials: one client per controller, with the token of a service account of its own.

So that each controller may do just what its system:controller role says. Tokens are asked for (TokenRequest) and
renewed long before they expire."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from types import TracebackType

from api.resources import SERVICE_ACCOUNTS
from apimachinery.errors import AlreadyExists, ApiError
from client.rest import ClientConfig, RestClient

logger = logging.getLogger(__name__)
_NAMESPACE = "kube-system"
_TOKEN_SECONDS = 3600
_RENEW_AFTER_SECONDS = 0.8 * _TOKEN_SECONDS
_RETRY_SECONDS = 10.0

#: The service account of each controller (by its short name), as the system:controller roles are bound.
_ACCOUNTS = {
    "cronjob": "cronjob-controller",
    "csrapproving": "certificate-controller",
    "csrcleaner": "certificate-controller",
    "csrsigning": "certificate-controller",
    "clusterrole-aggregation": "clusterrole-aggregation-controller",
    "daemonset": "daemon-set-controller",
    "deployment": "deployment-controller",
    "disruption": "disruption-controller",
    "endpoint": "endpoint-controller",
    "endpointslice": "endpointslice-controller",
    "endpointslicemirroring": "endpointslicemirroring-controller",
    "ephemeral-volume": "ephemeral-volume-controller",
    "garbagecollector": "generic-garbage-collector",
    "horizontalpodautoscaling": "horizontal-pod-autoscaler",
    "job": "job-controller",
    "namespace": "namespace-controller",
    "nodeipam": "node-controller",
    "nodelifecycle": "node-controller",
    "persistentvolume-binder": "persistent-volume-binder",
    "pv-protection": "pv-protection-controller",
    "pvc-protection": "pvc-protection-controller",
    "podgc": "pod-garbage-collector",
    "replicaset": "replicaset-controller",
    "replicationcontroller": "replication-controller",
    "resourcequota": "resourcequota-controller",
    "root-ca-cert-publisher": "root-ca-cert-publisher",
    "serviceaccount": "service-account-controller",
    "statefulset": "statefulset-controller",
    "ttl-after-finished": "ttl-after-finished-controller",
    "validatingadmissionpolicy-status": "validatingadmissionpolicy-status-controller",
}


def has_account(controller: str) -> bool:
    """Whether the controller (by its short name) has an account of its own. What fills accounts' tokens has none:
    it works with the manager's own rights, as the reference's does."""
    return controller in _ACCOUNTS


class ServiceAccountClients:
    """Makes and keeps the clients; an async context manager, whose `run` renews the tokens."""

    def __init__(self, root: RestClient, anonymous: ClientConfig) -> None:
        """`root` may create service accounts and their tokens; `anonymous` is the same server without credentials."""
        self._root = root
        self._anonymous = anonymous
        self._clients: dict[str, RestClient] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> ServiceAccountClients:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def client_for(self, controller: str) -> RestClient:
        """The client of a controller (by its short name), one per service account; tries until a token is there."""
        account = _ACCOUNTS[controller]
        if account not in self._clients:
            client = RestClient(self._anonymous, user_agent=f"kube-controller-manager/{account}")
            renewed = await self._renew(account, client)
            while not renewed:
                await asyncio.sleep(_RETRY_SECONDS)
                renewed = await self._renew(account, client)
            self._clients[account] = await self._stack.enter_async_context(client)
        return self._clients[account]

    async def run(self) -> None:
        """Renew all tokens in time, until cancelled."""
        pause = _RENEW_AFTER_SECONDS
        while True:
            await asyncio.sleep(pause)
            renewed = [await self._renew(account, client) for account, client in self._clients.items()]
            pause = _RENEW_AFTER_SECONDS if all(renewed) else _RETRY_SECONDS

    async def _renew(self, account: str, client: RestClient) -> bool:
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _TOKEN_SECONDS},
        }
        try:
            await self._ensure(account)
            answer = await self._root.create(
                SERVICE_ACCOUNTS, request, namespace=_NAMESPACE, name=account, subresource="token"
            )
        except ApiError as error:
            logger.warning("No token for controller", extra={"account": account, "error": error.message})
            return False
        client.use_token(answer["status"]["token"])
        return True

    async def _ensure(self, account: str) -> None:
        meta = {"name": account, "namespace": _NAMESPACE}
        try:
            await self._root.create(SERVICE_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        except AlreadyExists:
            return
