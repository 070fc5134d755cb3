"""Token files, bootstrap tokens, certificates, front proxies and headers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from multidict import CIMultiDict

from api.resources import SECRETS
from apimachinery.errors import Unauthorized
from apiserver.authn import tokenfile
from apiserver.authn.bootstraptoken import BootstrapTokens
from apiserver.authn.headers import bearer_token
from apiserver.authn.requestheader import RequestHeaderAuthenticator
from apiserver.authn.tokens import TokenAuthenticator
from apiserver.authn.x509 import PeerCertificates, X509Authenticator
from apiserver.interfaces import Credentials, UserInfo
from tests.unit.apiserver.objects import MemoryLoopback, made


def test_token_file() -> None:
    text = 't1,amy,1,"devs, ops"\nt2,ben,2\n\n"t3",cid,3,\n,nobody,4\n'
    assert tokenfile.parse(text, "f") == {
        "t1": UserInfo("amy", "1", ("devs", "ops")),
        "t2": UserInfo("ben", "2"),
        "t3": UserInfo("cid", "3"),
    }
    with pytest.raises(ValueError, match="at least 3 columns"):
        tokenfile.parse("t1,amy\n", "f")


@pytest.mark.parametrize(
    ("header", "value", "token"),
    [
        ("Authorization", "Bearer abc", "abc"),
        ("authorization", "bearer  abc ", "abc"),
        ("Authorization", "Basic abc", None),
        ("Authorization", "Bearer ", None),
        ("Sec-WebSocket-Protocol", "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj", "abc"),
        ("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.YWJj", None),
    ],
)
def test_bearer_tokens(header: str, value: str, token: str | None) -> None:
    assert bearer_token(CIMultiDict({header: value})) == token


def bootstrap_secret(**data: str) -> MemoryLoopback:
    good = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in {**good, **data}.items()}
    secret = made("Secret", "bootstrap-token-abcdef", "kube-system", type="bootstrap.kubernetes.io/token", data=encoded)
    return MemoryLoopback([(SECRETS, secret)])


@pytest.mark.parametrize(
    ("data", "token", "good"),
    [
        ({}, "abcdef.0123456789abcdef", True),
        ({"auth-extra-groups": "system:bootstrappers:kubeadm"}, "abcdef.0123456789abcdef", True),
        ({"auth-extra-groups": "system:masters"}, "abcdef.0123456789abcdef", False),
        ({"expiration": "2001-01-01T00:00:00Z"}, "abcdef.0123456789abcdef", False),
        ({"expiration": "nonsense"}, "abcdef.0123456789abcdef", False),
        ({"usage-bootstrap-authentication": "false"}, "abcdef.0123456789abcdef", False),
        ({}, "abcdef.0123456789abcdee", False),
        ({}, "abcdef0123456789abcdef", False),
        ({}, "abcdeg.0123456789abcdef", False),
    ],
)
def test_bootstrap_tokens(data: dict[str, str], token: str, good: bool) -> None:
    user = BootstrapTokens(bootstrap_secret(**data)).user(token)
    assert (user is not None) is good
    if user is not None:
        assert user.name == "system:bootstrap:abcdef"
        assert "system:bootstrappers" in user.groups


_KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]


def certificate(name: str, groups: tuple[str, ...] = (), *, issuer: int = 0, days: int = 1) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
    subject += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ca{issuer}")])
    builder = x509.CertificateBuilder().subject_name(x509.Name(subject)).issuer_name(authority)
    builder = builder.serial_number(1).public_key(_KEYS[issuer].public_key())
    return builder.not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days)).sign(
        _KEYS[issuer], hashes.SHA256()
    )  # fmt: skip


def sent(peer: x509.Certificate | None, **headers: str) -> Credentials:
    der = peer.public_bytes(serialization.Encoding.DER) if peer is not None else None
    pairs = {key.replace("_", "-"): value for key, value in headers.items()}
    return Credentials(CIMultiDict(pairs), der, "127.0.0.1")


async def test_certificates() -> None:
    authenticator = X509Authenticator(PeerCertificates([certificate("ca0")], only=False))
    assert await authenticator.authenticate(sent(certificate("amy", ("devs", "ops")))) == UserInfo(
        "amy", groups=("devs", "ops")
    )
    assert await authenticator.authenticate(sent(None)) is None
    assert await authenticator.authenticate(sent(certificate("", ("devs",)))) is None
    assert await authenticator.authenticate(sent(certificate("amy", issuer=1))) is None
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(sent(certificate("amy", days=-1)))


async def test_front_proxies() -> None:
    authenticator = RequestHeaderAuthenticator(
        PeerCertificates([certificate("ca1", issuer=1)], only=False), allowed_names=["proxy"],
        user_headers=["X-Remote-User"], group_headers=["X-Remote-Group"], extra_prefixes=["X-Remote-Extra-"],
    )  # fmt: skip
    headers: dict[str, Any] = {"x_remote_user": "amy", "X_Remote_Group": "devs", "X_Remote_Extra_Scopes%2fa": "s"}
    user = await authenticator.authenticate(sent(certificate("proxy", issuer=1), **headers))
    assert user == UserInfo("amy", groups=("devs",), extra={"scopes/a": ("s",)})
    for peer in (certificate("other", issuer=1), certificate("proxy", issuer=0), None):
        assert await authenticator.authenticate(sent(peer, **headers)) is None
    assert await authenticator.authenticate(sent(certificate("proxy", issuer=1))) is None


async def test_a_token_that_nobody_knows_is_refused_and_none_is_no_opinion() -> None:
    tokens = TokenAuthenticator({"t": UserInfo("amy")}, None, None, ["aud"])
    amy = UserInfo("amy", groups=("system:authenticated",))
    assert await tokens.authenticate(sent(None, Authorization="Bearer t")) == amy
    assert await tokens.authenticate(sent(None)) is None
    with pytest.raises(Unauthorized):
        await tokens.authenticate(sent(None, Authorization="Bearer T"))
    assert await tokens.review("t", ["other"]) is None
    assert await tokens.review("t", ["other", "aud"]) == (amy, ("aud",))
