"""The bounded memory of answers."""

from __future__ import annotations

from dns.cache import Kept, TtlCache


def test_until_its_time_is_over() -> None:
    cache: TtlCache[str, str] = TtlCache(10)
    cache.put("a", "x", 100.0, 30)
    assert cache.get("a", 129.9) == Kept("x", 29)
    assert cache.get("a", 130.0) is None
    assert len(cache) == 0


def test_the_least_used_makes_room() -> None:
    cache: TtlCache[str, int] = TtlCache(2)
    for number, key in enumerate("ab"):
        cache.put(key, number, 0.0, 30)
    cache.get("a", 1.0)
    cache.put("c", 2, 1.0, 30)
    assert [cache.get(key, 2.0) is not None for key in "abc"] == [True, False, True]


def test_what_may_not_be_kept_is_not() -> None:
    cache: TtlCache[str, int] = TtlCache(2)
    cache.put("a", 1, 0.0, 30)
    cache.put("a", 2, 1.0, 0)
    assert cache.get("a", 1.0) is None
    none: TtlCache[str, int] = TtlCache(0)
    none.put("a", 1, 0.0, 30)
    assert none.get("a", 0.0) is None
