"""What the informer makes of a server's answers that a real one gives rarely: 410, pages, lost connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from api.resources import CONFIG_MAPS
from apimachinery.errors import ApiError, Gone, ServiceUnavailable
from apimachinery.objects import Object, name_of
from client.informer import Informer
from client.rest import RestClient, WatchEvent
from tests.unit.client.virtualtime import run_virtual

Step = tuple[str, Any]


class Script:
    """Plays a server: each step is an expected call and the answer to it, and the end of the script is waited for."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.calls: list[tuple[str, str | None]] = []
        self.times: list[float] = []
        self.finished = asyncio.Event()

    def _next(self, call: str, version: str | None) -> Any:
        self.calls.append((call, version))
        self.times.append(asyncio.get_running_loop().time())
        wanted, answer = self._steps.pop(0)
        assert wanted == call, f"{call} where {wanted} was expected"
        if isinstance(answer, ApiError):
            raise answer
        return answer

    async def list(self, *_: Any, resource_version: str | None, continue_token: str, **__: Any) -> Object:
        answer: Object = self._next("list", continue_token or resource_version)
        return answer

    async def watch(self, *_: Any, resource_version: str, **__: Any) -> AsyncIterator[WatchEvent]:
        if not self._steps:
            self.calls.append(("watch", resource_version))
            self.finished.set()
            await asyncio.Event().wait()
        for event in self._next("watch", resource_version):
            if isinstance(event, ApiError):
                raise event
            yield event


def item(name: str, version: int) -> Object:
    return {"metadata": {"name": name, "namespace": "a", "resourceVersion": str(version)}}


def listed(version: int, *items: Object, token: str = "") -> Step:
    return "list", {"metadata": {"resourceVersion": str(version), "continue": token}, "items": [*items]}


def event(kind: str, name: str, version: int) -> WatchEvent:
    return WatchEvent(cast(Any, kind), item(name, version))


def play(*steps: Step) -> tuple[Script, list[str], list[str]]:
    """The script, what handlers were told, and what is in the store at the end."""

    async def main() -> tuple[Script, list[str], list[str]]:
        script = Script(*steps)
        informer = Informer(cast(RestClient, script), CONFIG_MAPS)
        told: list[str] = []

        def handler(old: Object | None, new: Object | None) -> None:
            sign = "+" if old is None else "-" if new is None else "~"
            told.append(sign + name_of(new or old or {}))

        informer.on_change(handler)
        task = asyncio.create_task(informer.run())
        await script.finished.wait()
        task.cancel()
        return script, told, sorted(name_of(obj) for obj in informer.store.list())

    return run_virtual(main())


def check(steps: Sequence[Step], calls: Sequence[tuple[str, str | None]], told: str, stored: str) -> Script:
    script, heard, kept = play(*steps)
    assert script.calls == list(calls)
    assert heard == told.split()
    assert kept == stored.split()
    return script


def test_a_list_in_pages_is_told_when_whole() -> None:
    check(
        [listed(5, item("x", 1), token="t"), listed(5, item("y", 2))],
        [("list", "0"), ("list", "t"), ("watch", "5")],
        "+x +y",
        "x y",
    )


def test_events_move_the_version_on_and_bookmarks_too() -> None:
    events = [event("ADDED", "y", 6), event("MODIFIED", "x", 7), event("DELETED", "y", 8), event("BOOKMARK", "", 99)]
    check(
        [listed(5, item("x", 1)), ("watch", events)],
        [("list", "0"), ("watch", "5"), ("watch", "99")],
        "+x +y ~x -y",
        "x",
    )


def test_a_lost_connection_resumes_where_it_was() -> None:
    lost = ServiceUnavailable("connection lost")
    script = check(
        [listed(5), ("watch", [event("ADDED", "x", 6), lost]), ("watch", lost), ("watch", lost)],
        [("list", "0"), ("watch", "5"), ("watch", "6"), ("watch", "6"), ("watch", "6")],
        "+x",
        "x",
    )
    waits = [later - earlier for earlier, later in zip(script.times[1:], script.times[2:], strict=False)]
    assert 0.8 <= waits[0] <= 1.6
    assert 1.6 <= waits[1] <= 3.2


def test_after_410_the_newest_list_tells_what_was_missed() -> None:
    check(
        [listed(5, item("x", 1), item("y", 2), item("z", 3)), ("watch", Gone("too old")),
         listed(20, item("x", 1), item("y", 12), item("new", 13))],
        [("list", "0"), ("watch", "5"), ("list", None), ("watch", "20")],
        "+x +y +z -z ~y +new",
        "new x y",
    )  # fmt: skip


def test_410_within_a_paged_list_begins_the_list_anew() -> None:
    check(
        [listed(5, item("x", 1), token="t"), ("list", Gone("continue expired")), listed(9, item("y", 8))],
        [("list", "0"), ("list", "t"), ("list", None), ("watch", "9")],
        "+y",
        "y",
    )


def test_a_server_that_does_not_answer_is_asked_ever_less_often() -> None:
    silent: list[Step] = [("list", ServiceUnavailable("no answer"))] * 8
    script = check(
        [*silent, listed(5)], [("list", "0")] * 9 + [("watch", "5")], "", ""
    )  # fmt: skip
    waits = [later - earlier for earlier, later in zip(script.times, script.times[1:9], strict=False)]
    assert waits[0] < 2
    assert all(wait <= 60 for wait in waits)
    assert waits[-1] >= 30


def test_a_watch_that_ends_at_once_does_not_spin() -> None:
    script = check([listed(5), ("watch", []), ("watch", [])], [("list", "0"), *[("watch", "5")] * 3], "", "")
    assert script.times[2] - script.times[1] >= 0.8


def test_late_handlers_are_told_what_is_there() -> None:
    async def main() -> list[str]:
        script = Script(listed(5, item("x", 1)))
        informer = Informer(cast(RestClient, script), CONFIG_MAPS)
        task = asyncio.create_task(informer.run())
        await informer.wait_synced()
        told: list[str] = []
        informer.on_change(lambda old, new: told.append(name_of(new or {})))
        task.cancel()
        return told

    assert run_virtual(main()) == ["x"]
