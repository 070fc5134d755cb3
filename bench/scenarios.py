"""The loads: creating, getting and listing pods, and changes told to many watchers. Ordinary API calls only."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.connection import Answer, Connection, Target
from bench.measure import Usage, usage

PODS_PER_LABEL = 10  #: one in so many pods has a given label

_STRAGGLER_CHECKS = 1500  #: of 20 ms: how long to wait for watchers that lag


class BenchError(Exception):
    """The server did not do what the bench needs."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    count: int
    seconds: float
    cpu_seconds: float | None
    megabytes: float = 0.0
    note: str = ""


@dataclass(slots=True)
class Bench:
    """Where to send the load, and how much of it."""

    target: Target
    pid: int | None
    namespace: str
    pods: int
    seconds: float
    connections: int
    watchers: int
    rows: list[Row] = field(default_factory=list)

    @property
    def _pods_path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    async def set_up(self) -> None:
        """Make the namespace and its service account, which no controller may be there to make."""
        connection = await self.target.connect()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        await _expect(connection, "POST", "/api/v1/namespaces", namespace, (201,))
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await _expect(connection, "POST", f"/api/v1/namespaces/{self.namespace}/serviceaccounts", account, (201, 409))
        connection.close()

    async def clean_up(self) -> None:
        """Delete everything made here."""
        connection = await self.target.connect()
        base = f"/api/v1/namespaces/{self.namespace}"
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
        for resource in ("pods", "configmaps", "serviceaccounts"):
            await _expect(connection, "DELETE", f"{base}/{resource}", options, (200,))
        await _expect(connection, "DELETE", base, options, (200, 202))
        connection.close()

    async def create(self) -> None:
        """Every pod once."""
        numbers = iter(range(self.pods))

        async def work(connection: Connection) -> int:
            done = 0
            for number in numbers:
                answer = await connection.request("POST", self._pods_path, self._pod(number))
                _check(answer, 201)
                done += 1
            return done

        await self._measure("create a pod", work, self.connections)

    async def get(self) -> None:
        """One pod after the other."""
        await self._timed("get a pod", lambda number: f"{self._pods_path}/pod-{number * 7919 % self.pods:05}")

    async def list_all(self) -> None:
        """All pods of the namespace from the server's cache."""
        path = f"{self._pods_path}?resourceVersion=0"
        await self._timed(f"list {self.pods} pods", lambda _: path, connections=2)

    async def list_labelled(self) -> None:
        """A tenth of them."""
        wanted = self.pods // PODS_PER_LABEL
        await self._timed(
            f"list {wanted} of {self.pods} by label",
            lambda number: f"{self._pods_path}?resourceVersion=0&labelSelector=group%3Dg{number % PODS_PER_LABEL}",
            connections=4,
        )

    async def watch(self) -> None:
        """Changes of one object, told to all watchers; waits until each has heard of all."""
        base = f"/api/v1/namespaces/{self.namespace}/configmaps"
        heard = [0] * self.watchers
        delays: list[float] = []
        streams = [await self.target.connect() for _ in range(self.watchers)]
        path = f"{base}?watch=1&resourceVersion=0&timeoutSeconds=300"
        tasks = [
            asyncio.create_task(stream.stream(path, _listener(heard, index, delays)), name="watch")
            for index, stream in enumerate(streams)
        ]
        await asyncio.sleep(1.0)
        writer = await self.target.connect()
        before, start, sent = usage(self.pid), time.perf_counter(), 0
        while time.perf_counter() - start < self.seconds:
            body = {"metadata": {"name": f"event-{sent}"}, "data": {"sent": f"@{time.time():.6f}@", "x": "y" * 500}}
            _check(await writer.request("POST", base, json.dumps(body).encode()), 201)
            sent += 1
            await asyncio.sleep(max(0.0, start + sent * 0.01 - time.perf_counter()))
        for _ in range(_STRAGGLER_CHECKS):
            if min(heard) >= sent:
                break
            await asyncio.sleep(0.02)
        took = time.perf_counter() - start
        after = usage(self.pid)
        for stream in streams:
            stream.close()
        writer.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        delays.sort()
        late = delays[int(len(delays) * 0.99)] * 1000 if delays else 0.0
        note = f"{self.watchers} watchers, {sent / took:.0f} changes/s, 99% within {late:.0f} ms"
        if min(heard) < sent:
            note += f"; INCOMPLETE: one heard {min(heard)} of {sent}"
        self._add("watch events delivered", sum(heard), took, before, after, note=note)

    async def _timed(self, name: str, path: Callable[[int], str], connections: int = 0) -> None:
        end = time.perf_counter() + self.seconds
        numbers = iter(range(10_000_000))

        async def work(connection: Connection) -> int:
            done = 0
            for number in numbers:
                if time.perf_counter() >= end:
                    return done
                answer = await connection.request("GET", path(number))
                _check(answer, 200)
                self._received += answer.size
                done += 1
            return done

        await self._measure(name, work, connections or self.connections)

    _received: int = 0

    async def _measure(self, name: str, work: Callable[[Connection], Awaitable[int]], connections: int) -> None:
        opened = [await self.target.connect() for _ in range(connections)]
        self._received = 0
        before, start = usage(self.pid), time.perf_counter()
        counts = await asyncio.gather(*[work(connection) for connection in opened])
        took, after = time.perf_counter() - start, usage(self.pid)
        for connection in opened:
            connection.close()
        self._add(name, sum(counts), took, before, after, megabytes=self._received / 1e6)

    def _add(
        self, name: str, count: int, seconds: float, before: Usage | None, after: Usage | None, *,
        megabytes: float = 0.0, note: str = "",
    ) -> None:  # fmt: skip
        cpu = after.cpu_seconds - before.cpu_seconds if before and after else None
        self.rows.append(Row(name, count, seconds, cpu, megabytes, note))

    def _pod(self, number: int) -> bytes:
        container = {
            "name": "main",
            "image": "registry.k8s.io/pause:3.9",
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        }
        labels = {"app": "bench", "group": f"g{number % PODS_PER_LABEL}"}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod-{number:05}", "labels": labels},
            "spec": {"schedulerName": "nobody", "containers": [container]},
        }
        return json.dumps(pod).encode()


def _listener(heard: list[int], index: int, delays: list[float]) -> Callable[[bytes], None]:
    def on_data(part: bytes) -> None:
        added = part.count(b'{"type":"ADDED"')
        heard[index] += added
        if index == 0 and added:
            sent = part.split(b'"sent":"@', 1)
            if len(sent) == 2:
                delays.append(time.time() - float(sent[1].split(b"@", 1)[0]))

    return on_data


def _check(answer: Answer, *wanted: int) -> None:
    if answer.status not in wanted:
        raise BenchError(f"the server answered {answer.status}: {answer.body[:500].decode(errors='replace')}")


async def _expect(connection: Connection, method: str, path: str, body: object, wanted: tuple[int, ...]) -> None:
    _check(await connection.request(method, path, json.dumps(body).encode(), keep=True), *wanted)
