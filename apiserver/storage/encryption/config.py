"""Reads an EncryptionConfiguration (apiserver.config.k8s.io/v1) and says which keys a resource's values have. Pure.

The rules are those of the reference's ValidateEncryptionConfiguration; `kms` providers are refused."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apiserver.storage.encryption.providers import AesCbc, AesGcm, Identity, Provider, Providers, SecretBox

_API_VERSIONS = ("apiserver.config.k8s.io/v1", "v1")
_AES_BYTES = (16, 24, 32)
#: provider -> how a key is made, and the lengths of secret it takes
_CIPHERS: dict[str, tuple[Callable[[str, bytes], Provider], tuple[int, ...]]] = {
    "aesgcm": (AesGcm, _AES_BYTES),
    "aescbc": (AesCbc, _AES_BYTES),
    "secretbox": (SecretBox, (32,)),
}
_KINDS = "aescbc, aesgcm, secretbox, identity"
_PLAIN = Providers((Identity(),))


class ConfigurationError(Exception):
    """The file makes no sense; one line says where and why, without any secret."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which providers each resource has; the first entry that names it counts."""

    entries: Sequence[tuple[frozenset[str], Providers]]
    source: str = ""  #: the text they were declared by

    def providers(self, resource: str, group: str) -> Providers:
        """Those of a resource; such as are not named anywhere are written as they are and read if they are plain."""
        names = {f"{resource}.{group}" if group else resource, f"*.{group}", "*.*"}
        for resources, providers in self.entries:
            if names & resources:
                return providers
        return _PLAIN


def parse(text: str) -> Rules:
    """The rules a file's text declares; raises ConfigurationError."""
    import yaml  # here, as most servers have no such file

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError("not valid YAML: " + " ".join(str(error).split())) from error
    config = _fields(document, "", ("apiVersion", "kind", "resources"))
    if config.get("kind") != "EncryptionConfiguration" or config.get("apiVersion") not in _API_VERSIONS:
        raise ConfigurationError("must be of apiVersion apiserver.config.k8s.io/v1, kind EncryptionConfiguration")
    entries = _list(config.get("resources"), "resources")
    return Rules([_entry(entry, f"resources[{index}]") for index, entry in enumerate(entries)], source=text)


def _entry(entry: Any, where: str) -> tuple[frozenset[str], Providers]:
    fields = _fields(entry, where, ("resources", "providers"))
    names = _list(fields.get("resources"), f"{where}.resources")
    checked = [_resource(name, f"{where}.resources[{index}]") for index, name in enumerate(names)]
    _check_overlap(checked, f"{where}.resources")
    chain: list[Provider] = []
    for index, provider in enumerate(_list(fields.get("providers"), f"{where}.providers")):
        chain += _provider(provider, f"{where}.providers[{index}]")
    _check_prefixes(chain, f"{where}.providers")
    return frozenset(name.removesuffix(".") if name != "*." else name for name in checked), Providers(chain)


def _resource(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"{where}: must be a resource's name such as secrets, deployments.apps, *.apps or *.*")
    if name == "*" or "/" in name or name != name.lower():
        raise ConfigurationError(f"{where}: {name!r} is no resource: use secrets, deployments.apps, *., *.apps or *.*")
    resource, _, group = name.partition(".")
    if ("*" in group and name != "*.*") or ("*" in resource and resource != "*"):
        raise ConfigurationError(f"{where}: {name!r}: a wildcard stands for a whole name: *.*, *. or *.apps")
    if group in ("events.k8s.io", "extensions"):
        raise ConfigurationError(f"{where}: {name!r}: nothing is stored in that group; name the group it is stored in")
    return name


def _check_overlap(names: list[str], where: str) -> None:
    for index, name in enumerate(names):
        others = names[:index] + names[index + 1 :]
        _, _, group = name.partition(".")
        if name in others:
            raise ConfigurationError(f"{where}: {name!r} is listed twice")
        if (name != "*.*" and "*.*" in others) or (not name.startswith("*.") and f"*.{group}" in others):
            raise ConfigurationError(f"{where}: {name!r} is covered by a wildcard of the same list")


def _provider(declared: Any, where: str) -> list[Provider]:
    fields = _fields(declared, where, (*_CIPHERS, "identity", "kms"))
    if "kms" in fields:
        raise ConfigurationError(f"{where}.kms: KMS plugins are not supported; use {_KINDS}")
    if len(fields) != 1:
        raise ConfigurationError(f"{where}: must be exactly one of {_KINDS}")
    ((kind, config),) = fields.items()
    if kind == "identity":
        return [Identity()]
    keys = _list(_fields(config, f"{where}.{kind}", ("keys",)).get("keys"), f"{where}.{kind}.keys")
    return [_key(kind, key, f"{where}.{kind}.keys[{index}]") for index, key in enumerate(keys)]


def _key(kind: str, declared: Any, where: str) -> Provider:
    make, lengths = _CIPHERS[kind]
    fields = _fields(declared, where, ("name", "secret"))
    name, encoded = fields.get("name"), fields.get("secret")
    if not isinstance(name, str) or not name or ":" in name:
        raise ConfigurationError(f"{where}.name: must be a text without colons")
    if not isinstance(encoded, str) or not encoded:
        raise ConfigurationError(f"{where}.secret: must be given, in base64")
    try:
        secret = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        # The cause would show the secret.
        raise ConfigurationError(f"{where}.secret: secrets must be base64 encoded") from None
    if len(secret) not in lengths:
        wanted = " ".join(str(length) for length in lengths)
        raise ConfigurationError(
            f"{where}.secret: secret is not of the expected length, got {len(secret)}, expected one of [{wanted}]"
        )
    return make(name, secret)


def _check_prefixes(chain: Sequence[Provider], where: str) -> None:
    """Each key has a prefix of its own: of two, one would read the other's values wrongly."""
    prefixes = [provider.prefix for provider in chain]
    if len(set(prefixes)) != len(prefixes):
        raise ConfigurationError(f"{where}: two keys of one provider have the same name, or identity is given twice")


def _fields(value: Any, where: str, known: Sequence[str]) -> dict[str, Any]:
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where or 'the file'}: must be an object")
    for name in value:
        if name not in known:
            raise ConfigurationError(f'{where + ": " if where else ""}unknown field "{name}"')
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ConfigurationError(f"{where}: at least one item is required")
    return value
