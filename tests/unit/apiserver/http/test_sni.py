"""--tls-sni-cert-key: how it is read, and whose certificate is whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiserver.http.sni import NamedPair, by_name, find, names_of, parse
from apiserver.options import Options
from component.flags import FlagError, parse_args
from tests.authority import Authority


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a.crt,a.key", NamedPair("a.crt", "a.key")),
        ("a.crt, a.key:*.foo.com, foo.com", NamedPair("a.crt", "a.key", ("*.foo.com", "foo.com"))),
        ("a.crt,a.key:", NamedPair("a.crt", "a.key")),
    ],
)
def test_the_flag(text: str, pair: NamedPair) -> None:
    assert parse(text) == (pair,)


def test_the_flag_may_be_repeated_and_is_checked() -> None:
    given = ["--tls-sni-cert-key=a.crt,a.key:a.com,b.com", "--tls-sni-cert-key", "b.crt,b.key"]
    options, _ = parse_args(Options, given, program="kube-apiserver")
    pairs = (NamedPair("a.crt", "a.key", ("a.com", "b.com")), NamedPair("b.crt", "b.key"))
    assert options.tls_sni_cert_key == pairs
    for wrong in ("a.crt", "a.crt,a.key,b.key", ",a.key"):
        with pytest.raises(FlagError, match="expected comma separated certificate and key file paths"):
            parse_args(Options, [f"--tls-sni-cert-key={wrong}"], program="kube-apiserver")


def test_names_of_a_certificate_are_domains(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    found = names_of(Path(authority.pair("api.example.com", "*.example.com").certfile).read_bytes())
    assert found == ("api.example.com", "localhost", "*.example.com")
    for common_name in ("10.0.0.1", "Not a domain"):
        assert names_of(Path(authority.pair(common_name).certfile).read_bytes()) == ("localhost",)


def test_given_names_come_before_found_ones_and_earlier_flags_before_later_ones() -> None:
    table = by_name(
        [
            (NamedPair("1", "1"), ["x", "y"], "first"),
            (NamedPair("2", "2"), ["y", "z"], "second"),
            (NamedPair("3", "3", ("Z", "w")), ["x"], "third"),
            (NamedPair("4", "4", ("w",)), [], "fourth"),
        ]
    )
    assert table == {"x": "first", "y": "first", "z": "third", "w": "third"}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("api.example.com", "exact"), ("API.example.com.", "exact"), ("other.example.com", "wildcard"),
        ("two.labels.example.com", None), ("example.com", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_exact_names_come_before_wildcards(name: str | None, found: str | None) -> None:
    assert find({"*.example.com": "wildcard", "api.example.com": "exact"}, name) == found


def test_clients_that_name_no_host_have_the_address_that_they_reach() -> None:
    table = {"10.0.0.1": "by address", "*": "wildcard"}
    assert find(table, None, "10.0.0.1") == "by address"
    assert find(table, "example.com", "10.0.0.1") is None
    assert find(table, "localhost", "10.0.0.1") == "wildcard"
    assert find(table, None, "10.0.0.2") is None
