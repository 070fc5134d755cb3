from __future__ import annotations

import orjson
import pytest

from apiserver.watchcache.window import CachedObject, Change, Window


def change(revision: int, seconds: float = 0.0) -> Change:
    raw = b'{"kind":"Pod","metadata":{"resourceVersion":"%d"}}' % revision
    return Change(revision, CachedObject("n/a", "n", "a", raw, revision, None), None, seconds)


def revisions(window: Window, position: int) -> list[int] | None:
    changes = window.since(position, 100, 1 << 20)
    return None if changes is None else [found.revision for found in changes]


def test_positions_outlive_what_is_dropped() -> None:
    window = Window(10, max_events=3)
    start = window.position_after(10)
    assert start == window.end == 0
    for revision in (12, 15, 16):
        window.append(change(revision))
    assert revisions(window, 0) == [12, 15, 16]
    assert [window.position_after(at) for at in (9, 10, 11, 12, 14, 16, 99)] == [None, 0, 0, 1, 1, 3, 3]
    window.append(change(20))
    assert (window.base, window.end) == (12, 4)
    assert revisions(window, 0) is None
    assert revisions(window, 1) == [15, 16, 20]
    assert [window.position_after(at) for at in (10, 11, 12)] == [None, None, 1]
    assert revisions(window, 4) == []


@pytest.mark.parametrize(("max_bytes", "count"), [(0, 1), (1, 1), (100, 2), (149, 2), (150, 3), (10_000, 5)])
def test_a_reader_is_given_whole_changes_of_so_many_bytes_but_one_at_least(max_bytes: int, count: int) -> None:
    window = Window(0)
    for revision in range(1, 6):
        raw = b'{"kind":"Pod","metadata":{"x":"%b"}}' % (b"y" * (50 - len('"metadata":{"x":""}}')))
        window.append(Change(revision, CachedObject("n/a", "n", "a", raw, revision, None), None, 0.0))
    assert [found.revision for found in window.since(0, 100, max_bytes) or []] == [1, 2, 3, 4, 5][:count]
    assert window.since(window.end, 100, max_bytes) == []


def test_age_drops_all_but_the_last_hundred() -> None:
    window = Window(0)
    for revision in range(1, 301):
        window.append(change(revision, seconds=float(revision)))
    window.forget_before(450.0)
    assert window.base == 149
    window.forget_before(10_000.0)
    assert window.base == 200


@pytest.mark.parametrize("max_events", [1000, 5])
def test_frames_are_forgotten_and_made_again(max_events: int) -> None:
    window = Window(0, max_events=max_events)
    for revision in range(1, 11):
        window.append(change(revision, seconds=float(revision)))
    changes = window.since(window.end - 5, 100, 1 << 20) or []
    frames = [found.frame_of("ADDED", None) for found in changes]
    assert all(found.frame_of("ADDED", None) is made for found, made in zip(changes, frames, strict=True))
    window.forget_before(12.9)
    again = [found.frame_of("ADDED", None) for found in changes]
    assert again == frames
    assert [new is old for new, old in zip(again, frames, strict=True)] == [False, False, True, True, True]
    window.append(change(11, seconds=11.0))
    window.forget_before(100.0)
    assert orjson.loads(changes[-1].frame_of("ADDED", None))["object"]["metadata"]["resourceVersion"] == "10"
