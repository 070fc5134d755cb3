"""Service account tokens: what is minted is good, and nothing that differs from it in any way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api.resources import PODS, SECRETS, SERVICE_ACCOUNTS
from apimachinery.errors import ApiError, Unauthorized
from apimachinery.objects import Object
from apiserver.authn import metrics
from apiserver.authn.serviceaccounts import ServiceAccountTokens
from apiserver.authn.tokenrequest import TokenIssuer
from component.tokenkeys import PrivateKey, jwks, load_signing_key, load_verification_keys, make_signing_key
from tests.unit.apiserver.objects import MemoryLoopback, made, pod

ISSUER = "https://issuer"
_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_key(folder: Path, key: PrivateKey) -> str:
    path = folder / "key.pem"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return str(path)


class Cluster:
    """One service account, a pod of it and a secret; and who mints and who verifies."""

    def __init__(self, folder: Path, key: PrivateKey = _RSA) -> None:
        self.account = made("ServiceAccount", "sa", "ns")
        self.api = MemoryLoopback([
            (SERVICE_ACCOUNTS, self.account),
            (PODS, pod("web", "ns", serviceAccountName="sa")),
            (SECRETS, made("Secret", "s", "ns")),
        ])  # fmt: skip
        path = write_key(folder, key)
        self.issuer = TokenIssuer(load_signing_key(path), ISSUER, [ISSUER], self.api, extend=True)
        self.tokens = ServiceAccountTokens(load_verification_keys([path]), [ISSUER], [ISSUER], self.api, lookup=True)

    async def mint(self, **spec: Any) -> str:
        answered = await self.issuer.create(self.account, {"spec": spec})
        token: str = answered["status"]["token"]
        return token


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


@pytest.mark.parametrize(
    "key", [_RSA, ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())]
)
async def test_a_minted_token_is_good(tmp_path: Path, key: PrivateKey) -> None:
    cluster = Cluster(tmp_path, key)
    found = cluster.tokens.user(await cluster.mint())
    assert found is not None
    user, audiences = found
    assert (user.name, user.uid) == ("system:serviceaccount:ns:sa", "uid-sa")
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns")
    assert audiences == [ISSUER]


async def test_a_token_ends_with_its_pod(cluster: Cluster) -> None:
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "uid-web"}
    token = await cluster.mint(boundObjectRef=bound)
    found = cluster.tokens.user(token)
    assert found is not None
    assert found[0].extra["authentication.kubernetes.io/pod-name"] == ("web",)
    cluster.api.put(PODS, {**pod("web", "ns"), "metadata": {"name": "web", "namespace": "ns", "uid": "a new one"}})
    with pytest.raises(Unauthorized):
        cluster.tokens.user(token)


async def test_a_token_ends_with_its_account(cluster: Cluster) -> None:
    token = await cluster.mint()
    await cluster.api.delete(SERVICE_ACCOUNTS, "ns", "sa")
    with pytest.raises(Unauthorized):
        cluster.tokens.user(token)


async def test_audiences(cluster: Cluster) -> None:
    token = await cluster.mint(audiences=["vault"])
    with pytest.raises(Unauthorized):
        cluster.tokens.user(token)
    found = cluster.tokens.user(token, ["vault", "other"])
    assert found is not None
    assert found[1] == ["vault"]


def forged(key: PrivateKey, **claims: Any) -> str:
    now = int(time.time())
    private = {"namespace": "ns", "serviceaccount": {"name": "sa", "uid": "uid-sa"}}
    good = {
        "iss": ISSUER, "aud": [ISSUER], "sub": "system:serviceaccount:ns:sa", "iat": now, "nbf": now, "exp": now + 600,
        "kubernetes.io": private,
    }  # fmt: skip
    return jwt.encode({**good, **claims}, key, algorithm="RS256")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": time.time() - 120},
        {"nbf": time.time() + 600},
        {"sub": "system:serviceaccount:ns:other"},
        {"kubernetes.io": {"namespace": "ns", "serviceaccount": {"name": "sa", "uid": "another"}}},
        {"aud": []},
        {"iss": "kubernetes/serviceaccount"},
    ],
)
def test_claims_that_do_not_hold(cluster: Cluster, claims: dict[str, Any]) -> None:
    assert cluster.tokens.user(forged(_RSA)) is not None
    with pytest.raises(Unauthorized):
        cluster.tokens.user(forged(_RSA, **claims))


def test_another_key_and_unsigned_tokens(cluster: Cluster) -> None:
    with pytest.raises(Unauthorized):
        cluster.tokens.user(forged(_OTHER))
    unsigned = jwt.encode({"iss": ISSUER, "sub": "system:serviceaccount:ns:sa"}, "", algorithm="none")
    with pytest.raises(Unauthorized):
        cluster.tokens.user(unsigned)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b", forged(_RSA, iss="https://elsewhere")])
def test_what_is_none_of_ours_is_left_to_others(cluster: Cluster, token: str) -> None:
    assert cluster.tokens.user(token) is None


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"expirationSeconds": 10}, 422),
        ({"expirationSeconds": 1 << 33}, 422),
        ({"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": "n"}}, 400),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "absent"}}, 404),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "other"}}, 409),
    ],
)
async def test_requests_that_are_refused(cluster: Cluster, spec: Object, code: int) -> None:
    with pytest.raises(ApiError) as raised:
        await cluster.mint(**spec)
    assert raised.value.http_code == code


async def test_injected_tokens_live_a_year_and_warn(cluster: Cluster) -> None:
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "web"}
    claims = jwt.decode(
        await cluster.mint(expirationSeconds=3607, boundObjectRef=bound), options={"verify_signature": False}
    )
    assert claims["exp"] - claims["iat"] == 365 * 24 * 3600
    assert claims["kubernetes.io"]["warnafter"] - claims["iat"] == 3607


def test_stale_tokens_are_told_from_others(cluster: Cluster) -> None:
    private = {"namespace": "ns", "serviceaccount": {"name": "sa", "uid": "uid-sa"}}
    before = metrics.VALID_TOKENS.value, metrics.STALE_TOKENS.value
    for later in (60, -60, -120):
        cluster.tokens.user(forged(_RSA, **{"kubernetes.io": {**private, "warnafter": int(time.time()) + later}}))
    assert (metrics.VALID_TOKENS.value, metrics.STALE_TOKENS.value) == (before[0] + 1, before[1] + 2)


def test_a_made_key_is_kept_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "certs" / "sa.key"
    make_signing_key(str(path))
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    make_signing_key(str(path))
    assert path.read_bytes() == before
    assert b'"kty":"RSA"' in jwks(load_verification_keys([str(path)]))
    assert sorted(item.name for item in path.parent.iterdir()) == ["sa.key"]
