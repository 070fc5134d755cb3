"""ServiceAccount: pods run as a service account that exists, and get its token mounted where they do not refuse it."""

from __future__ import annotations

import random
from typing import Any

from api.resources import SERVICE_ACCOUNTS
from apimachinery.objects import Object, annotations_of
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.interfaces import Attributes

_MIRROR = "kubernetes.io/config.mirror"
_DEFAULT = "default"
_VOLUME_PREFIX = "kube-api-access-"
_MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_ENFORCE_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"
#: An hour and a bit, so that the kubelet's renewal at four fifths of it does not meet others'.
_TOKEN_SECONDS = 3607
_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class ServiceAccount(Plugin):
    """The service account of pods."""

    name = "ServiceAccount"
    verbs = frozenset({"create", "update"})
    resources = {("", "pods"): frozenset({"", "ephemeralcontainers"})}

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Fill in account, pull secrets and token volume; raises Forbidden where there is no such account."""
        if obj is None or operation(attributes) != "create" or attributes.subresource:
            return
        spec = obj.setdefault("spec", {})
        if _MIRROR in annotations_of(obj):
            self._check_mirror(attributes, obj)
            return
        if not spec.get("serviceAccountName"):
            spec["serviceAccountName"] = _DEFAULT
        spec["serviceAccount"] = spec["serviceAccountName"]
        account = await self._account(attributes, obj)
        if _wants_token(account, spec):
            _mount_token(spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(reference) for reference in account["imagePullSecrets"]]

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden for secrets that an account that limits them does not list."""
        if obj is None:
            return []
        spec = obj.get("spec") or {}
        if _MIRROR in annotations_of(obj):
            if operation(attributes) == "create":
                self._check_mirror(attributes, obj)
            return []
        if operation(attributes) != "create" and attributes.subresource != "ephemeralcontainers":
            return []
        account = await self._account(attributes, obj)
        if annotations_of(account).get(_ENFORCE_MOUNTABLE) == "true":
            _check_secrets(attributes, obj, spec, account)
        return []

    async def _account(self, attributes: Attributes, obj: Object) -> Object:
        name = obj["spec"].get("serviceAccountName") or _DEFAULT
        namespace = attributes.namespace
        found = self._api.get(SERVICE_ACCOUNTS, namespace, name)
        if found is None:
            found = await self._api.get_live(SERVICE_ACCOUNTS, namespace, name)
        if found is None:
            why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            raise refuse(attributes, why, obj)
        return found

    @staticmethod
    def _check_mirror(attributes: Attributes, obj: Object) -> None:
        """A pod that only shows one of a node's own can have neither account nor secrets."""
        spec = obj.get("spec") or {}
        if spec.get("serviceAccountName"):
            raise refuse(attributes, "a mirror pod may not reference service accounts", obj)
        for volume in spec.get("volumes") or ():
            if "secret" in volume:
                raise refuse(attributes, "a mirror pod may not reference secrets", obj)
            for source in (volume.get("projected") or {}).get("sources") or ():
                if "serviceAccountToken" in source:
                    raise refuse(attributes, "a mirror pod may not use ServiceAccountToken volume projections", obj)


def _wants_token(account: Object, spec: Object) -> bool:
    """The pod's own word counts first, then the account's."""
    for holder in (spec, account):
        chosen = holder.get("automountServiceAccountToken")
        if chosen is not None:
            return bool(chosen)
    return True


def _mount_token(spec: Object) -> None:
    """Mount the token in every container that has nothing at its place, by an existing volume of ours or a new one."""
    volumes = spec.get("volumes") or []
    existing = next((item["name"] for item in volumes if str(item.get("name", "")).startswith(_VOLUME_PREFIX)), "")
    name = existing or _VOLUME_PREFIX + "".join(random.choices(_NAME_LETTERS, k=5))
    needed = False
    for field in ("initContainers", "containers"):
        for container in spec.get(field) or ():
            mounts = container.get("volumeMounts") or []
            if any(mount.get("mountPath") == _MOUNT_PATH for mount in mounts):
                continue
            needed = True
            mount = {"name": name, "readOnly": True, "mountPath": _MOUNT_PATH}
            container["volumeMounts"] = [*mounts, mount]
    if needed and not existing:
        spec["volumes"] = [*volumes, {"name": name, "projected": _projection()}]


def _projection() -> dict[str, Any]:
    return {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {
                            "path": "namespace",
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        }
                    ]
                }
            },
        ],
    }


def _check_secrets(attributes: Attributes, obj: Object, spec: Object, account: Object) -> None:
    allowed = {reference.get("name") for reference in account.get("secrets") or ()}
    account_name = account["metadata"]["name"]
    for volume in spec.get("volumes") or ():
        secret = (volume.get("secret") or {}).get("secretName")
        if secret and secret not in allowed:
            why = (
                f'volume with secret.secretName="{secret}" is not allowed because service account {account_name} '
                "does not reference that secret"
            )
            raise refuse(attributes, why, obj)
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            for variable in container.get("env") or ():
                secret = ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name")
                if secret and secret not in allowed:
                    what = {"initContainers": "init container", "containers": "container"}.get(
                        field, "ephemeral container"
                    )
                    why = (
                        f"{what} {container.get('name')} with envVar {variable.get('name')} referencing "
                        f'secret.secretName="{secret}" is not allowed because service account {account_name} '
                        "does not reference that secret"
                    )
                    raise refuse(attributes, why, obj)
    pull = {reference.get("name") for reference in account.get("imagePullSecrets") or ()}
    for reference in spec.get("imagePullSecrets") or ():
        if reference.get("name") not in pull:
            why = (
                f'imagePullSecrets[].name="{reference.get("name")}" is not allowed because service account '
                f"{account_name} does not reference that imagePullSecret"
            )
            raise refuse(attributes, why, obj)
