"""A Secret becomes a token that the API server takes, and goes with its account."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from api.resources import SECRETS, SERVICE_ACCOUNTS
from apimachinery.errors import NotFound
from component.tokenkeys import make_signing_key
from controller.serviceaccounttoken.plan import ACCOUNT_NAME, TYPE
from tests.integration.controller.plane import ControlPlane
from tests.integration.controller.test_kubelet_certificates import who_am_i


async def test_a_token_secret(tmp_path: Path) -> None:
    key = tmp_path / "sa.key"
    make_signing_key(str(key))
    api_flags = (f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}")
    flags = ("--use-service-account-credentials", f"--service-account-private-key-file={key}")
    issuer = ("--service-account-issuer=https://kubernetes.default.svc",)
    async with ControlPlane(tmp_path, *flags, api_flags=(*api_flags, *issuer)) as plane:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "default"}}
        await plane.client.create(SERVICE_ACCOUNTS, account)
        secret = {
            "apiVersion": "v1", "kind": "Secret", "type": TYPE,
            "metadata": {"name": "robot-token", "namespace": "default", "annotations": {ACCOUNT_NAME: "robot"}},
        }  # fmt: skip
        await plane.client.create(SECRETS, secret)

        async def filled() -> bool:
            return "token" in ((await plane.client.get(SECRETS, "default", "robot-token")).get("data") or {})

        await plane.until(filled)
        data = (await plane.client.get(SECRETS, "default", "robot-token"))["data"]
        token = base64.b64decode(data["token"]).decode()
        header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
        assert header["kid"]
        async with plane.server.client(token) as robot:
            assert await who_am_i(robot) == "system:serviceaccount:default:robot"
        await plane.client.delete(SERVICE_ACCOUNTS, "default", "robot")

        async def gone() -> bool:
            try:
                await plane.client.get(SECRETS, "default", "robot-token")
            except NotFound:
                return True
            return False

        await plane.until(gone)
