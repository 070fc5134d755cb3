"""Users, permissions and audit events that other servers keep: OpenID Connect, webhooks named by kubeconfig files."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from api.resources import CONFIG_MAPS
from apimachinery.errors import Forbidden, Unauthorized
from apiserver.authn.oidc import OidcTokens, Provider
from tests.apiserver_process import ApiServerProcess
from tests.authority import Authority
from tests.ports import free_port

_LONG = "x" * 300_000  #: answers do not come in one piece

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Authorities:
    """One HTTPS server that is an identity provider and all three webhooks; it remembers what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.authority = Authority(folder)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked: list[dict[str, Any]] = []
        self.audited: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.working = True

    @property
    def issuer(self) -> str:
        return f"https://localhost:{self.port}"

    def flags(self) -> list[str]:
        policy = self.folder / "policy.yaml"
        policy.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
        return [
            f"--oidc-issuer-url={self.issuer}", "--oidc-client-id=k8s", f"--oidc-ca-file={self.authority.cafile}",
            "--oidc-groups-claim=groups", "--oidc-username-prefix=oidc:",
            f"--authentication-token-webhook-config-file={self._kubeconfig('authn')}",
            "--authentication-token-webhook-version=v1",
            f"--authorization-webhook-config-file={self._kubeconfig('authz')}", "--authorization-webhook-version=v1",
            f"--audit-webhook-config-file={self._kubeconfig('audit')}", "--audit-webhook-batch-max-wait=1s",
            f"--audit-policy-file={policy}",
        ]  # fmt: skip

    def _kubeconfig(self, path: str) -> Path:
        cluster = {"server": f"{self.issuer}/{path}", "certificate-authority": str(self.authority.cafile)}
        config = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": "api-server"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        file = self.folder / f"{path}.yaml"
        file.write_text(yaml.safe_dump(config))
        return file

    def token(self, key: rsa.RSAPrivateKey | None = None, **claims: Any) -> str:
        said = {"iss": self.issuer, "aud": "k8s", "sub": "olga", "exp": int(time.time()) + 60, **claims}
        return jwt.encode(said, key or self.key, algorithm="RS256", headers={"kid": "one"})

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/.well-known/openid-configuration":
            return web.json_response({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"})
        if request.path == "/keys":
            key = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            keys = [{**key, "kid": "one", "use": "sig"}, {"kty": "unknown", "kid": "two"}]
            return web.json_response({"keys": keys, "more": _LONG})
        assert request.headers["Authorization"] == "Bearer api-server"
        review = orjson.loads(await request.read())
        if request.path == "/audit":
            for event in review["items"]:
                self.audited.put_nowait(event)
            return web.Response()
        if not self.working:
            return web.Response(status=500)
        self.asked.append(review)
        return web.json_response({**review, "status": self._decide(review), "more": _LONG})

    def _decide(self, review: dict[str, Any]) -> dict[str, Any]:
        spec = review["spec"]
        if review["kind"] == "TokenReview":
            user = {"username": "wanda", "uid": "7", "groups": ["hooked"], "extra": {"scopes": ["all"]}}
            return {"authenticated": spec["token"] == "from-webhook", "user": user}
        wanted = spec.get("resourceAttributes") or {}
        if wanted.get("name") == "denied":
            return {"allowed": False, "denied": True, "reason": "never"}
        return {"allowed": spec["user"] in ("wanda", "oidc:olga") and wanted.get("verb") == "list"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def others(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Authorities]:
    made = Authorities(tmp_path_factory.mktemp("others"))
    pair = made.authority.pair("others")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certfile, pair.keyfile)
    runner = web.ServerRunner(web.Server(made.answer))  # type: ignore[arg-type]  # a Request is all it is given
    await runner.setup()
    await web.TCPSite(runner, "localhost", made.port, ssl_context=context).start()
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(others: Authorities, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServerProcess]:
    folder = tmp_path_factory.mktemp("apiserver")
    flags = await asyncio.to_thread(others.flags)
    async with ApiServerProcess(folder, *flags, authorization="Webhook,RBAC") as running:
        yield running


async def who(server: ApiServerProcess, token: str) -> dict[str, Any]:
    """The user that a token is."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    async with server.client() as admin:
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        headers = {"Content-Type": "application/json"}
        _, body = await admin.raw("POST", path, body=orjson.dumps(review), headers=headers)
    status: dict[str, Any] = orjson.loads(body)["status"]
    return status


async def test_all_who_come_first_wait_for_the_keys(others: Authorities) -> None:
    provider = Provider(issuer=others.issuer, client_id="k8s", ca_file=str(others.authority.cafile))
    tokens = OidcTokens(provider)
    found = await asyncio.gather(*(tokens.user(others.token()) for _ in range(3)))
    await tokens.close()
    assert [user.name for user in found if user] == [f"{others.issuer}#olga"] * 3


async def test_id_tokens_of_the_provider(server: ApiServerProcess, others: Authorities) -> None:
    found = await who(server, others.token(groups=["ops"]))
    assert found["user"] == {"username": "oidc:olga", "groups": ["ops", "system:authenticated"]}
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for bad in (
        others.token(aud="others"),
        others.token(exp=int(time.time()) - 60),
        others.token(stranger),
        others.token(iss="https://elsewhere"),
        jwt.encode({"iss": others.issuer, "aud": "k8s", "sub": "x", "exp": time.time() + 60}, "s" * 32),
    ):
        assert "authenticated" not in await who(server, bad)


async def test_tokens_that_the_webhook_knows(server: ApiServerProcess, others: Authorities) -> None:
    found = await who(server, "from-webhook")
    assert found["user"] == {
        "username": "wanda", "uid": "7", "groups": ["hooked", "system:authenticated"], "extra": {"scopes": ["all"]}
    }  # fmt: skip
    async with server.client("unknown") as nobody:
        with pytest.raises(Unauthorized):
            await nobody.list(CONFIG_MAPS, "default")


async def test_the_authorization_webhook_decides_and_is_asked_once(
    server: ApiServerProcess, others: Authorities
) -> None:
    async with server.client("from-webhook") as wanda:
        await wanda.list(CONFIG_MAPS, "default")
        asked = [each["spec"] for each in others.asked if each["kind"] == "SubjectAccessReview"]
        await wanda.list(CONFIG_MAPS, "default")
        assert [each["spec"] for each in others.asked if each["kind"] == "SubjectAccessReview"] == asked
        assert asked[-1]["resourceAttributes"] == {
            "namespace": "default", "verb": "list", "version": "v1", "resource": "configmaps"
        }  # fmt: skip
        assert asked[-1]["groups"] == ["hooked", "system:authenticated"]
        with pytest.raises(Forbidden):
            await wanda.get(CONFIG_MAPS, "default", "x")
        with pytest.raises(Forbidden, match="never"):
            await wanda.get(CONFIG_MAPS, "default", "denied")


async def test_a_webhook_that_fails_allows_nothing_and_others_are_asked(
    server: ApiServerProcess, others: Authorities
) -> None:
    others.working = False
    try:
        async with server.client("from-webhook") as wanda:
            with pytest.raises(Forbidden):
                await wanda.list(CONFIG_MAPS, "kube-public")
        async with server.client() as admin:
            await admin.list(CONFIG_MAPS, "kube-public")
    finally:
        others.working = True


async def test_audit_events_are_posted_in_lists(server: ApiServerProcess, others: Authorities) -> None:
    async with server.client() as admin:
        await admin.list(CONFIG_MAPS, "kube-node-lease")
    async with asyncio.timeout(20):
        while True:
            event = await others.audited.get()
            if "kube-node-lease/configmaps" in event["requestURI"] and event["stage"] == "ResponseComplete":
                break
    assert (event["user"]["username"], event["responseStatus"]["code"]) == ("admin", 200)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--authorization-mode=ABAC"], "authorization-mode ABAC's authorization policy file not passed"),
        (["--authorization-mode=Webhook"], "authorization-mode Webhook's authorization config file not passed"),
        (["--authorization-policy-file=/x"], "cannot specify --authorization-policy-file without mode ABAC"),
        (["--oidc-issuer-url=https://x"], "oidc-issuer-url and oidc-client-id must be specified together"),
    ],
)
async def test_flags_that_make_no_sense(tmp_path: Path, flags: list[str], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        async with ApiServerProcess(tmp_path, *flags):
            pass
