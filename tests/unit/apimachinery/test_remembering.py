"""What is remembered of the texts that clients send."""

from __future__ import annotations

from apimachinery.remembering import LONGEST, remembered


def test_short_texts_are_remembered_and_long_ones_are_not() -> None:
    seen: list[int] = []

    @remembered(2)
    def length(text: str, more: int = 0) -> int:
        """Its length."""
        seen.append(len(text))
        return len(text) + more

    long = "x" * (LONGEST + 1)
    assert [length("abc"), length("abc"), length("abc", 1), length(long), length(long)] == [3, 3, 4, 1025, 1025]
    assert seen == [3, 3, 1025, 1025]
    for text in ("a", "ab", "abc"):  # the oldest are forgotten
        length(text)
    assert seen[4:] == [1, 2, 3]
    assert length.__doc__ == "Its length."
