"""What lists cost: plain numbers that a collector reads when metrics are asked for."""

from __future__ import annotations


class Listings:
    """The lists of one resource, from its cache or from the store."""

    __slots__ = ("evaluated", "fetched", "lists", "returned")

    def __init__(self) -> None:
        self.lists = 0
        self.fetched = 0  #: objects that were read
        self.evaluated = 0  #: objects of which was asked whether they are selected
        self.returned = 0

    def add(self, fetched: int, returned: int) -> None:
        """One list more."""
        self.lists += 1
        self.fetched += fetched
        self.evaluated += fetched
        self.returned += returned
