"""How often watchers are told, on an event loop whose time is made up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from apiserver.watchcache.pacing import Pacer


class Loop:
    """Carries out what is due, one thing after the other; only what is told takes time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._soon: list[Callable[[], object]] = []
        self._later: list[tuple[float, Callable[[], object]]] = []

    def call_soon(self, call: Callable[..., object], *args: Any) -> object:
        self._soon.append(lambda: call(*args))
        return call

    def call_later(self, seconds: float, call: Callable[..., object], *args: Any) -> object:
        self._later.append((self.now + seconds, lambda: call(*args)))
        return call

    def turn(self) -> None:
        """One turn: what was asked for before it."""
        due, self._soon = self._soon, []
        for call in due:
            call()

    def settle(self) -> None:
        """All that needs no time to pass."""
        while self._soon:
            self.turn()

    def skip(self) -> float:
        """On to what is to be done later; how many seconds that are."""
        (at, call), *self._later = sorted(self._later, key=lambda item: item[0])
        seconds, self.now = at - self.now, at
        call()
        return seconds


class Told:
    """So many who are told; what each does then takes so long."""

    def __init__(self, loop: Loop, count: int, seconds: float) -> None:
        self.rounds = 0
        self.times = [0] * count
        self._loop = loop
        self._seconds = seconds

    def begin(self) -> list[Callable[[], None]]:
        self.rounds += 1
        return [partial(self._tell, index) for index in range(len(self.times))]

    def _tell(self, index: int) -> None:
        self.times[index] += 1
        self._loop.call_soon(self._work)

    def _work(self) -> None:
        self._loop.now += self._seconds


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    monkeypatch.setattr("time.perf_counter", lambda: loop.now)
    return loop


def test_news_is_told_at_once_and_needs_no_pause_where_that_is_cheap(loop: Loop) -> None:
    told = Told(loop, 3, 0.0001)
    pacer = Pacer(told.begin)
    for count in range(1, 4):
        pacer.news()
        assert told.times == [count] * 3
        loop.settle()


def test_what_comes_in_a_round_is_told_together_in_the_next(loop: Loop) -> None:
    told = Told(loop, 1, 0.0001)
    pacer = Pacer(told.begin)
    for _ in range(5):
        pacer.news()
    assert told.rounds == 1
    loop.settle()
    assert told.rounds == 2


def test_after_a_long_round_others_have_as_much_time(loop: Loop) -> None:
    told = Told(loop, 20, 0.001)
    pacer = Pacer(told.begin)
    pacer.news()
    loop.settle()
    pacer.news()
    loop.settle()
    assert told.rounds == 1
    assert loop.skip() == pytest.approx(0.02)
    assert told.rounds == 2


def test_no_pause_is_longer_than_a_tenth_of_a_second(loop: Loop) -> None:
    told = Told(loop, 1000, 0.001)
    pacer = Pacer(told.begin)
    pacer.news()
    loop.settle()
    assert loop.skip() == pytest.approx(0.1)
    assert (told.rounds, set(told.times)) == (1, {1})  # no news, no round


def test_between_a_few_and_the_next_few_others_have_their_turn(loop: Loop) -> None:
    told = Told(loop, 200, 0.001)
    pacer = Pacer(told.begin)
    pacer.news()
    progress = []
    for _ in range(5):
        progress.append(sum(told.times))
        loop.turn()
    assert progress == [64, 128, 192, 200, 200]
