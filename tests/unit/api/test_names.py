"""The syntax of names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from api.validation import names

Rule = Callable[[str], Sequence[str]]


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (names.dns1123_subdomain, ["a", "a.b", "a-1.b", "0"], ["", "A", "a_b", "-a", "a-", "a..b", "a" * 254]),
        (names.dns1123_label, ["a", "a-b", "0a"], ["", "a.b", "A", "-a", "a" * 64]),
        (names.dns1035_label, ["a", "a-0"], ["", "0a", "a.b", "A", "a-"]),
        (names.wildcard_subdomain, ["*.a.b", "*.a"], ["*", "a.*", "*.*.a", "a.b"]),
        (names.qualified_name, ["a", "A_b.c", "x.io/Name"], ["", "/a", "a/", "a/b/c", "X.io/a", "a b", "a" * 64]),
        (names.label_value, ["", "a", "A.b_c-1"], ["-", "a b", "a/b", "a" * 64]),
        (names.config_map_key, ["a", "A_b.c-", ".x"], ["", "a/b", ".", "..", "..a", "a" * 254]),
        (names.env_var_name, ["A", "a.b-c", "_x"], ["", "1a", "a b", "a=b", "..", "..a"]),
        (names.port_name, ["http", "a1", "1a"], ["", "1", "a--b", "-a", "a-", "A", "sixteen-letters-"]),
        (names.percent, ["0%", "150%"], ["", "%", "1", "-1%", "1.5%"]),
        (names.path_segment_name, ["system:node", "A b"], [".", "..", "a/b", "a%b"]),
        (
            names.ip_address,
            ["1.2.3.4", "01.2.3.4", "::1", "2001:db8::1"],
            ["", "1.2.3", "256.1.1.1", "a", "fe80::1%eth0"],
        ),
        (names.cidr, ["10.0.0.0/8", "10.1.2.3/8", "::/0"], ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "a/8"]),
    ],
)
def test_rules_tell_good_from_bad(rule: Rule, good: list[str], bad: list[str]) -> None:
    assert {name: list(rule(name)) for name in good} == {name: [] for name in good}
    assert [name for name in bad if not rule(name)] == []


def test_texts_have_the_reference_s_odd_comma() -> None:
    assert names.dns1123_label("A") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    ]


def test_a_prefix_may_end_with_a_dash() -> None:
    assert names.dns1123_subdomain("web-", prefix=True) == []
    assert names.dns1123_subdomain("web-") != []


def test_mapped_addresses_are_ipv4() -> None:
    parsed = names.parse_ip("::ffff:10.0.0.1")
    assert parsed is not None
    assert parsed.version == 4
