"""The keys that sign and verify service account tokens, and the documents that tell others of them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
_CURVES = {
    "secp256r1": ("ES256", "P-256", 32),
    "secp384r1": ("ES384", "P-384", 48),
    "secp521r1": ("ES512", "P-521", 66),
}
_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, under the id that tokens name it by."""

    key_id: str
    algorithm: str
    key: PublicKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key that tokens are signed with."""

    key_id: str
    algorithm: str
    key: PrivateKey


def load_verification_keys(paths: Sequence[str]) -> list[VerificationKey]:
    """Every public key of the PEM files (of private keys the public half); raises ValueError with one line."""
    found: dict[str, VerificationKey] = {}
    for path in paths:
        keys = [_public(block) for block in _blocks(path)]
        usable = [verification_key(key) for key in keys if isinstance(key, PublicKey)]
        if not usable:
            raise ValueError(f"{path} contains no public key to verify service account tokens with")
        found |= {key.key_id: key for key in usable}
    return list(found.values())


def load_signing_key(path: str) -> SigningKey:
    """The first private key of the PEM file; raises ValueError with one line."""
    for block in _blocks(path):
        if b"PRIVATE KEY" in block[:40]:
            try:
                key = serialization.load_pem_private_key(block, None)
            except (ValueError, TypeError, UnsupportedAlgorithm) as error:
                raise ValueError(f"{path}: {error}") from error
            if isinstance(key, PrivateKey):
                public = verification_key(key.public_key())
                return SigningKey(public.key_id, public.algorithm, key)
    raise ValueError(f"{path} contains no RSA or EC private key to sign service account tokens with")


def make_signing_key(path: str) -> None:
    """Write a new RSA key, readable by its owner alone; leaves a file that is there alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    try:
        os.link(temporary, path)  # unlike a rename, this never replaces another server's key
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)  # noqa: PTH108 - beside os.link and os.open


def verification_key(key: PublicKey) -> VerificationKey:
    """The key with its id: the hash of its DER form, as the reference computes it."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    algorithm = "RS256" if isinstance(key, rsa.RSAPublicKey) else _CURVES[key.curve.name][0]
    return VerificationKey(_b64(hashlib.sha256(der).digest()), algorithm, key)


def jwks(keys: Sequence[VerificationKey]) -> bytes:
    """The JSON Web Key Set of the keys."""
    return orjson.dumps({"keys": [_jwk(key) for key in keys]})


def openid_configuration(issuer: str, jwks_uri: str, keys: Sequence[VerificationKey]) -> bytes:
    """The OpenID discovery document."""
    return orjson.dumps(
        {
            "issuer": issuer,
            "jwks_uri": jwks_uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key.algorithm for key in keys}),
        }
    )


def _jwk(item: VerificationKey) -> dict[str, Any]:
    common = {"use": "sig", "kid": item.key_id, "alg": item.algorithm}
    if isinstance(item.key, rsa.RSAPublicKey):
        numbers = item.key.public_numbers()
        return {**common, "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    _, curve, size = _CURVES[item.key.curve.name]
    point = item.key.public_numbers()
    return {**common, "kty": "EC", "crv": curve, "x": _number(point.x, size), "y": _number(point.y, size)}


def _blocks(path: str) -> list[bytes]:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read key file {path}: {error.strerror}") from error
    return [match[0] + b"\n" for match in _BLOCK.finditer(data)]


def _public(block: bytes) -> object:
    """The public key of a PEM block; None for a block of another kind."""
    try:
        if b"PRIVATE KEY" in block[:40]:
            return serialization.load_pem_private_key(block, None).public_key()
        if b"CERTIFICATE" in block[:40]:
            from cryptography import x509

            return x509.load_pem_x509_certificate(block).public_key()
        return serialization.load_pem_public_key(block)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _number(value: int, size: int = 0) -> str:
    return _b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
