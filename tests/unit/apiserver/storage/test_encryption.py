from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from apiserver.storage.encryption.config import ConfigurationError, parse
from apiserver.storage.encryption.providers import (
    AesCbc,
    AesGcm,
    Identity,
    Provider,
    Providers,
    SecretBox,
    Undecryptable,
)

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
KEY = "/registry/secrets/default/a"
CBC_OF_OPENSSL = "KCD4n330Zkrj9XZK7KrxLw=="


def config(*entries: dict[str, Any], **changes: Any) -> str:
    document = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": entries}
    return yaml.safe_dump({**document, "resources": list(entries), **changes})


def keys(*names: str, size: int = 32) -> dict[str, Any]:
    return {"keys": [{"name": name, "secret": base64.b64encode(SECRET[:size]).decode()} for name in names]}


def entry(*resources: str, providers: Any = None) -> dict[str, Any]:
    return {"resources": list(resources), "providers": providers or [{"aescbc": keys("k")}, {"identity": {}}]}


@pytest.mark.parametrize(
    ("provider", "prefix", "overhead"),
    [
        (AesCbc("key1", SECRET), b"k8s:enc:aescbc:v1:key1:", 16 + 12),
        (AesGcm("key1", SECRET), b"k8s:enc:aesgcm:v1:key1:", 12 + 16),
        (SecretBox("key1", SECRET), b"k8s:enc:secretbox:v1:key1:", 24 + 16),
        (Identity(), b"", 0),
    ],
)
def test_what_is_sealed_has_the_references_form_and_opens(provider: Provider, prefix: bytes, overhead: int) -> None:
    providers = Providers((provider,))
    stored = providers.seal(b"four", KEY)
    assert stored.startswith(prefix)
    assert len(stored) == len(prefix) + 4 + overhead
    assert providers.open(stored, KEY).plain == b"four"
    assert not prefix or (b"four" not in stored and providers.seal(b"four", KEY) != stored)


def test_values_made_by_others_with_the_same_key_are_read() -> None:
    # openssl enc -aes-256-cbc -K 000102...1f -iv 00..0f of '{"a":1}', put after its vector.
    vector = bytes(range(16))
    sealed = vector + base64.b64decode(CBC_OF_OPENSSL)
    assert AesCbc("k", SECRET).open(sealed, b"") == b'{"a":1}'


@pytest.mark.parametrize("cipher", [AesCbc, AesGcm, SecretBox])
def test_rotation_reads_all_keys_and_says_what_is_stale(cipher: Any) -> None:
    old, new = cipher("old", SECRET), cipher("new", OTHER)
    stored = Providers((old,)).seal(b"value", KEY)
    opened = Providers((new, old, Identity())).open(stored, KEY)
    assert (opened.plain, opened.stale) == (b"value", True)
    assert Providers((new, Identity())).open(b"{}", KEY).stale
    with pytest.raises(Undecryptable, match="no matching prefix found"):
        Providers((new,)).open(stored, KEY)
    with pytest.raises(Undecryptable, match="identity transformer tried to read encrypted data"):
        Providers((new, Identity())).open(stored, KEY)


@pytest.mark.parametrize("cipher", [AesCbc, AesGcm, SecretBox])
@pytest.mark.parametrize("damage", [lambda value: value[:-1], lambda value: value[:30], lambda value: b""])
def test_damaged_values_are_told_not_crashed_on(cipher: Any, damage: Any) -> None:
    provider = cipher("k", SECRET)
    with pytest.raises(Undecryptable):
        provider.open(damage(provider.seal(b"some longer value", b"key")), b"key")


def test_gcm_values_cannot_be_moved_to_another_key() -> None:
    providers = Providers((AesGcm("k", SECRET),))
    with pytest.raises(Undecryptable, match="authentication failed"):
        providers.open(providers.seal(b"value", KEY), "/registry/secrets/default/b")


@pytest.mark.parametrize(
    ("listed", "resource", "group", "encrypted"),
    [
        ("secrets", "secrets", "", True),
        ("secrets", "secrets", "example.com", False),
        ("secrets.", "secrets", "", True),
        ("deployments.apps", "deployments", "apps", True),
        ("deployments.apps", "deployments", "", False),
        ("*.apps", "deployments", "apps", True),
        ("*.apps", "secrets", "", False),
        ("*.", "secrets", "", True),
        ("*.", "deployments", "apps", False),
        ("*.*", "widgets", "example.com", True),
    ],
)
def test_which_resources_an_entry_is_for(listed: str, resource: str, group: str, encrypted: bool) -> None:
    providers = parse(config(entry(listed))).providers(resource, group)
    assert isinstance(providers.chain[0], AesCbc) is encrypted


def test_the_first_entry_that_names_a_resource_counts() -> None:
    rules = parse(config(entry("secrets", providers=[{"secretbox": keys("k")}]), entry("*.*")))
    assert isinstance(rules.providers("secrets", "").chain[0], SecretBox)
    assert isinstance(rules.providers("configmaps", "").chain[0], AesCbc)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must be of apiVersion"),
        ("a: [", "not valid YAML"),
        ("[]", "must be an object"),
        (config(), "resources: at least one item is required"),
        (config(entry("secrets"), kind="Secret"), "must be of apiVersion"),
        (config(entry("secrets"), more=1), 'unknown field "more"'),
        (config(entry()), r"resources\[0\].resources: at least one item"),
        (config(entry("*")), "'\\*' is no resource"),
        (config(entry("Secrets")), "'Secrets' is no resource"),
        (config(entry("*.*", "secrets")), "'secrets' is covered by a wildcard"),
        (config(entry("deployments.apps", "*.apps")), "'deployments.apps' is covered by a wildcard"),
        (config(entry("secrets", "secrets")), "listed twice"),
        (config(entry("events.events.k8s.io")), "nothing is stored in that group"),
        (config(entry("secrets", providers=[{}])), r"providers\[0\]: must be exactly one of"),
        (config(entry("secrets", providers=[{"kms": {"name": "x"}}])), "kms: KMS plugins are not supported"),
        (config(entry("secrets", providers=[{"rot13": keys("k")}])), 'unknown field "rot13"'),
        (config(entry("secrets", providers=[{"aescbc": keys()}])), "aescbc.keys: at least one item is required"),
        (config(entry("secrets", providers=[{"aescbc": keys("a", "a")}])), "have the same name"),
        (config(entry("secrets", providers=[{"aescbc": keys("a:b")}])), "without colons"),
        (config(entry("secrets", providers=[{"aesgcm": keys("a", size=15)}])), r"got 15, expected one of \[16 24 32\]"),
        (config(entry("secrets", providers=[{"secretbox": keys("a", size=16)}])), r"got 16, expected one of \[32\]"),
    ],
)
def test_bad_files_are_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_a_bad_secret_is_not_shown() -> None:
    declared = {"keys": [{"name": "k", "secret": "hunter2!"}]}
    with pytest.raises(ConfigurationError, match="must be base64 encoded") as caught:
        parse(config(entry("secrets", providers=[{"aescbc": declared}])))
    assert "hunter2" not in str(caught.value)
