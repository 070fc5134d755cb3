"""The ciphers of an EncryptionConfiguration, in the reference's stored forms. Pure but for random nonces.

A value lies as `k8s:enc:<provider>:v1:<key's name>:` and what the cipher makes of it; without it, it is plain."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

_ENCRYPTED = b"k8s:enc:"
_AES_BLOCK_BYTES = 16
_GCM_NONCE_BYTES = 12
_SECRETBOX_NONCE_BYTES = 24
_SHORTEST_SECRETBOX = _SECRETBOX_NONCE_BYTES + 16  # the nonce and Poly1305's tag


class Undecryptable(Exception):
    """A value that none of the keys reads; one line says why."""


class Provider(Protocol):
    """One key of one cipher, or no cipher at all."""

    prefix: bytes  #: how its values begin

    def seal(self, plain: bytes, key: bytes) -> bytes:
        """The value without its prefix; `key` is where it is to lie, and part of what is authenticated if it can be."""
        ...

    def open(self, sealed: bytes, key: bytes) -> bytes:
        """What `seal` was given; raises Undecryptable."""
        ...


class Identity:
    """Writes as it is; reads what is not encrypted."""

    prefix = b""

    def seal(self, plain: bytes, key: bytes) -> bytes:
        """`plain`."""
        return plain

    def open(self, sealed: bytes, key: bytes) -> bytes:
        """`sealed`; raises Undecryptable for what a cipher made."""
        if sealed.startswith(_ENCRYPTED):
            raise Undecryptable("identity transformer tried to read encrypted data")
        return sealed


class AesGcm:
    """AES in Galois/counter mode: nonce, ciphertext, tag. The storage key is authenticated: values cannot move."""

    def __init__(self, name: str, secret: bytes) -> None:
        self.prefix = f"k8s:enc:aesgcm:v1:{name}:".encode()
        self._cipher = AESGCM(secret)

    def seal(self, plain: bytes, key: bytes) -> bytes:
        """Under a nonce of its own."""
        nonce = os.urandom(_GCM_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, key)

    def open(self, sealed: bytes, key: bytes) -> bytes:
        """Raises Undecryptable for another secret, another storage key or changed bytes."""
        nonce, ciphertext = sealed[:_GCM_NONCE_BYTES], sealed[_GCM_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, ciphertext, key)
        except (InvalidTag, ValueError) as error:
            raise Undecryptable("cipher: message authentication failed") from error


class AesCbc:
    """AES in cipher block chaining with PKCS #7 padding: vector, ciphertext. Nothing is authenticated."""

    def __init__(self, name: str, secret: bytes) -> None:
        self.prefix = f"k8s:enc:aescbc:v1:{name}:".encode()
        self._algorithm = algorithms.AES(secret)

    def seal(self, plain: bytes, key: bytes) -> bytes:
        """Under a vector of its own."""
        vector = os.urandom(_AES_BLOCK_BYTES)
        padder = PKCS7(_AES_BLOCK_BYTES * 8).padder()
        padded = padder.update(plain) + padder.finalize()
        encryptor = Cipher(self._algorithm, modes.CBC(vector)).encryptor()
        return vector + encryptor.update(padded) + encryptor.finalize()

    def open(self, sealed: bytes, key: bytes) -> bytes:
        """Raises Undecryptable where the length or the padding is wrong."""
        if len(sealed) < 2 * _AES_BLOCK_BYTES or len(sealed) % _AES_BLOCK_BYTES:
            raise Undecryptable("the stored data is not a multiple of the block size")
        vector, ciphertext = sealed[:_AES_BLOCK_BYTES], sealed[_AES_BLOCK_BYTES:]
        decryptor = Cipher(self._algorithm, modes.CBC(vector)).decryptor()
        unpadder = PKCS7(_AES_BLOCK_BYTES * 8).unpadder()
        try:
            return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()
        except ValueError as error:
            raise Undecryptable("invalid padding on input") from error


class SecretBox:
    """NaCl's secretbox, XSalsa20 and Poly1305: nonce, tag, ciphertext."""

    def __init__(self, name: str, secret: bytes) -> None:
        import nacl.secret  # only servers that use it load libsodium

        self.prefix = f"k8s:enc:secretbox:v1:{name}:".encode()
        self._box = nacl.secret.SecretBox(secret)

    def seal(self, plain: bytes, key: bytes) -> bytes:
        """Under a nonce of its own."""
        return bytes(self._box.encrypt(plain, os.urandom(_SECRETBOX_NONCE_BYTES)))

    def open(self, sealed: bytes, key: bytes) -> bytes:
        """Raises Undecryptable for another secret or changed bytes."""
        from nacl.exceptions import CryptoError

        if len(sealed) < _SHORTEST_SECRETBOX:
            raise Undecryptable("the stored data was shorter than the required size")
        try:
            return self._box.decrypt(sealed)
        except CryptoError as error:
            raise Undecryptable("message authentication failed") from error


@dataclass(frozen=True, slots=True)
class Opened:
    """A value made readable."""

    plain: bytes
    stale: bool  #: written by another key than the one that writes now
    prefix: bytes  #: of the key that wrote it


@dataclass(frozen=True, slots=True)
class Providers:
    """The keys of some resources: the first one writes, all of them read."""

    chain: Sequence[Provider]

    @property
    def encrypts(self) -> bool:
        """Whether there is more than the provider that does nothing."""
        return len(self.chain) > 1 or bool(self.prefix)

    @property
    def prefix(self) -> bytes:
        """Of what is written."""
        return self.chain[0].prefix

    def seal(self, plain: bytes, key: str) -> bytes:
        """The value to store at `key`."""
        first = self.chain[0]
        return first.prefix + first.seal(plain, key.encode())

    def open(self, stored: bytes, key: str) -> Opened:
        """What was stored at `key`; raises Undecryptable with a key's trouble, or as none has its prefix."""
        trouble: Undecryptable | None = None
        for place, provider in enumerate(self.chain):
            if not stored.startswith(provider.prefix):
                continue
            try:
                plain = provider.open(stored[len(provider.prefix) :], key.encode())
            except Undecryptable as error:
                trouble = error if trouble is None or provider.prefix else trouble
                continue
            return Opened(plain, place > 0, provider.prefix)
        raise trouble or Undecryptable("no matching prefix found")
