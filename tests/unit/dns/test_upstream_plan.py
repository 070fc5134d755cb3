"""Which servers are asked, in which order."""

from __future__ import annotations

from random import Random

import pytest

from dns.upstream.plan import Upstream, UpstreamHealth, nameservers, parse_upstream, without_ourselves

A, B, C = Upstream("10.0.0.1"), Upstream("10.0.0.2"), Upstream("10.0.0.3")


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("10.0.0.2", "10.0.0.2", 53),
        ("10.0.0.2:5353", "10.0.0.2", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8:0::1]:5353", "2001:db8::1", 5353),
        ("[::1]", "::1", 53),
    ],
)
def test_parse(text: str, address: str, port: int) -> None:
    assert parse_upstream(text) == Upstream(address, port)


@pytest.mark.parametrize("text", ["", "dns.example.com", "10.0.0.2:0", "10.0.0.2:x", "10.0.0.300", "[::1]:99999"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_upstream(text)


def test_resolv_conf() -> None:
    text = "# a comment\nsearch x\nnameserver 10.0.0.1\nnameserver\nnameserver name\n"
    text += "nameserver  ::1\nnameserver 10.0.0.1\n"
    assert nameservers(text) == (A, Upstream("::1"))


def test_nobody_asks_itself() -> None:
    ours, service = Upstream("10.0.0.9", 10053), Upstream("10.96.0.10")
    resolver = Upstream("10.0.0.9")  # the host's own resolver, beside us
    assert without_ourselves((A, ours, service, resolver), ["10.0.0.9"], 10053, ["10.96.0.10"]) == (A, resolver)


def test_sequential_and_round_robin() -> None:
    assert UpstreamHealth("sequential", Random(1)).order((A, B, C), 0.0) == [A, B, C]
    turns = UpstreamHealth("round_robin", Random(1))
    assert {turns.order((A, B, C), 0.0)[0] for _ in range(3)} == {A, B, C}
    random = UpstreamHealth("random", Random(1))
    assert {random.order((A, B, C), 0.0)[0] for _ in range(50)} == {A, B, C}


def test_who_failed_twice_is_asked_last_for_a_while() -> None:
    health = UpstreamHealth("sequential", Random(1))
    health.failed(A, 100.0)
    assert health.order((A, B), 100.0) == [A, B]
    health.failed(A, 100.0)
    assert health.order((A, B), 101.0) == [B, A]
    assert health.order((A, B), 111.0) == [A, B]
    health.failed(A, 111.0)
    health.answered(A)
    assert health.order((A, B), 112.0) == [A, B]


def test_with_all_of_them_bad_all_are_tried() -> None:
    health = UpstreamHealth("sequential", Random(1))
    for upstream in (A, B, A, B):
        health.failed(upstream, 5.0)
    assert health.order((A, B), 6.0) == [A, B]
