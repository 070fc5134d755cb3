"""Bootstrap tokens: secrets of type bootstrap.kubernetes.io/token in kube-system, for nodes that join."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from datetime import UTC, datetime

from api.resources import SECRETS
from apimachinery.objects import Object, is_deleting, parse_time
from apiserver.interfaces import Reader, UserInfo

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_TYPE = "bootstrap.kubernetes.io/token"
_GROUP = "system:bootstrappers"
_EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    """Users by bootstrap token."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def user(self, token: str) -> UserInfo | None:
        """The user of a bootstrap token that is valid now."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        secret = self._reader.get(SECRETS, "kube-system", f"bootstrap-token-{match[1]}")
        if secret is None or is_deleting(secret) or secret.get("type") != _TYPE:
            return None
        return _user(_decoded(secret), match[1], match[2])


def _user(data: dict[str, str], token_id: str, token_secret: str) -> UserInfo | None:
    if not hmac.compare_digest(data.get("token-secret", "").encode(), token_secret.encode()):
        return None
    if data.get("token-id") != token_id or data.get("usage-bootstrap-authentication") != "true":
        return None
    if _expired(data.get("expiration", "")):
        return None
    groups = [part.strip() for part in data.get("auth-extra-groups", "").split(",") if part.strip()]
    if not all(_EXTRA_GROUP.fullmatch(group) for group in groups):
        return None
    return UserInfo(f"system:bootstrap:{token_id}", groups=tuple(sorted({_GROUP, *groups})))


def _expired(text: str) -> bool:
    if not text:
        return False
    try:
        until = parse_time(text)
    except ValueError:
        return True
    return datetime.now(UTC) >= (until if until.tzinfo else until.replace(tzinfo=UTC))


def _decoded(secret: Object) -> dict[str, str]:
    found = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(value).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found
