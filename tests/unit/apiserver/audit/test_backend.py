from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apiserver.audit.backend import BATCH, BLOCKING, ERRORS, STRICT, AuditFailed, Backend
from apiserver.audit.event import Record, line
from apiserver.audit.logfile import LogFile
from apiserver.audit.policy import Decided, Level
from apiserver.audit.sinks import FileSink
from apiserver.interfaces import Attributes, UserInfo


def record(name: str = "a") -> Record:
    attributes = Attributes(user=UserInfo("eve"), verb="get", path="/x", is_resource=False)
    return Record(name, "/x", attributes, (), "", datetime.now(UTC), Decided(Level.METADATA))


@asynccontextmanager
async def running(backend: Backend) -> AsyncIterator[Backend]:
    task = asyncio.create_task(backend.run())
    try:
        yield backend
    finally:
        await backend.close(task)


async def test_blocking_writes_are_in_the_file_in_order_when_they_return(tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with running(Backend(FileSink(LogFile(str(path))), line)) as backend:
        await asyncio.gather(*(backend.write(record(f"r{index}"), "Panic") for index in range(500)))
        written = path.read_bytes().splitlines()
    assert [text.split(b'"auditID":"')[1].split(b'"')[0] for text in written] == [b"r%d" % i for i in range(500)]


async def test_what_waits_is_written_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with running(Backend(FileSink(LogFile(str(path))), line, mode=BATCH)) as backend:
        for _ in range(1000):
            await backend.write(record(), "Panic")
    assert path.read_bytes().count(b"\n") == 1000


async def test_a_full_buffer_loses_and_counts_instead_of_waiting(tmp_path: Path) -> None:
    before = ERRORS.labels("buffered").value
    backend = Backend(FileSink(LogFile(str(tmp_path / "log"))), line, mode=BATCH, buffer_size=3)
    for _ in range(5):
        await backend.write(record(), "Panic")
    assert ERRORS.labels("buffered").value - before == 2


async def test_an_event_is_what_was_known_when_it_happened(tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with running(Backend(FileSink(LogFile(str(path))), line, mode=BATCH)) as backend:
        mine = record()
        await backend.write(mine, "RequestReceived")
        mine.annotations["later"] = "yes"
    assert b"later" not in path.read_bytes()


@pytest.mark.parametrize(("mode", "fails"), [(BLOCKING, False), (STRICT, True)])
async def test_only_strict_requests_fail_with_the_file(tmp_path: Path, mode: str, fails: bool) -> None:
    async with running(Backend(FileSink(LogFile(str(tmp_path))), line, mode=mode)) as backend:  # a folder
        if fails:
            with pytest.raises(AuditFailed, match="cannot be written"):
                await backend.write(record(), "Panic")
        else:
            await backend.write(record(), "Panic")
