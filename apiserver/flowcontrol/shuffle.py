"""Shuffle sharding: the few queues that one flow may use, dealt to it like a hand of cards. Pure.

Two flows rarely have the same hand, so a flow that fills its own queues leaves others one to go to."""

from __future__ import annotations

import hashlib


def hand(flow: str, queues: int, size: int) -> tuple[int, ...]:
    """`size` different numbers below `queues`, the same ones for the same flow."""
    value = int.from_bytes(hashlib.sha256(flow.encode()).digest(), "big")
    deck = list(range(queues))
    dealt = []
    for left in range(queues, queues - min(size, queues), -1):
        value, card = divmod(value, left)
        dealt.append(deck[card])
        deck[card] = deck[left - 1]
    return tuple(dealt)
