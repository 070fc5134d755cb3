"""--tls-sni-cert-key: which certificate a client gets that names the host it wants. Pure.

`certificates.py` loads the files. The rules are those of the reference: exact names come before wildcards, names that
the flag gives before those found in certificates, earlier flags before later ones."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID

from apimachinery.names import dns1123_subdomain

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NamedPair:
    """One use of the flag."""

    cert_file: str
    key_file: str
    names: tuple[str, ...] = ()  #: empty: those of the certificate


def parse(text: str) -> tuple[NamedPair]:
    """`cert,key[:name,*.wildcard]`; raises ValueError."""
    files, _, listed = text.partition(":")
    pair = [part.strip() for part in files.split(",")]
    if len(pair) != 2 or not all(pair):
        raise ValueError("expected comma separated certificate and key file paths")
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    return (NamedPair(pair[0], pair[1], names),)


def names_of(pem: bytes) -> tuple[str, ...]:
    """The names that a certificate is good for, without addresses: clients do not name those; raises ValueError."""
    certificate = x509.load_pem_x509_certificate(pem)
    common = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    found = [name for name in common[-1:] if _is_domain(name)]
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(found)
    return tuple(dict.fromkeys([*found, *alternatives.get_values_for_type(x509.DNSName)]))


def _is_domain(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "*" or not dns1123_subdomain(name.removeprefix("*."))
    return False


def by_name(found: Sequence[tuple[NamedPair, Iterable[str], T]]) -> dict[str, T]:
    """What each name stands for: of (pair, the names of its certificate, what it stands for), in the flags' order."""
    extracted, explicit = {}, {}
    for pair, names, value in reversed(found):
        if pair.names:
            explicit.update(dict.fromkeys(map(str.lower, pair.names), value))
        else:
            extracted.update(dict.fromkeys(map(str.lower, names), value))
    return extracted | explicit


def find(table: Mapping[str, T], name: str | None, address: str = "") -> T | None:
    """What a client's name stands for, or, where it names none, the address that it has connected to; None: nothing but
    the default. A wildcard stands for one label."""
    if not name:
        return table.get(address)
    wanted = name.lower().rstrip(".")
    found = table.get(wanted)
    if found is not None:
        return found
    _, dot, rest = wanted.partition(".")
    return table.get(f"*{dot}{rest}")
