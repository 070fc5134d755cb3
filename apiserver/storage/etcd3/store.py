"""etcd behind the storage protocol: ranges in pages of one revision, conditional transactions, watches, shared leases.

`connection.py` sends the calls and translates errors, `watch.py` follows changes; the messages are in rpc.proto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from apiserver.storage.etcd3 import metrics
from apiserver.storage.etcd3 import rpc_pb2 as rpc
from apiserver.storage.etcd3.connection import Connection, Method, TlsFiles, read_tls
from apiserver.storage.etcd3.leases import Leases
from apiserver.storage.etcd3.watch import watch
from apiserver.storage.interface import (
    Delete,
    Mismatch,
    Page,
    Put,
    Revision,
    StorageError,
    Stored,
    Unavailable,
    WatchBatch,
)

_PAGE = 1000  #: keys per range call
_ALL_KEYS = b"\0"

_RANGE = Method("/etcdserverpb.KV/Range", rpc.RangeRequest.SerializeToString, rpc.RangeResponse.FromString, True)
_TXN = Method("/etcdserverpb.KV/Txn", rpc.TxnRequest.SerializeToString, rpc.TxnResponse.FromString, False)
_COMPACT = Method(
    "/etcdserverpb.KV/Compact", rpc.CompactionRequest.SerializeToString, rpc.CompactionResponse.FromString, True
)
_GRANT = Method(
    "/etcdserverpb.Lease/LeaseGrant", rpc.LeaseGrantRequest.SerializeToString, rpc.LeaseGrantResponse.FromString, True
)
_STATUS = Method(
    "/etcdserverpb.Maintenance/Status", rpc.StatusRequest.SerializeToString, rpc.StatusResponse.FromString, True
)


def prefix_end(prefix: bytes) -> bytes:
    """The end of the range of all keys that begin with `prefix`; b"\\0" means "to the last key"."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else _ALL_KEYS


class EtcdStorage:
    """A `Storage` in an etcd cluster. Made by `open_etcd`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._leases = Leases(self._grant)

    async def get(self, key: str) -> Stored | None:
        """See `Storage.get`."""
        with metrics.Timed("get", key):
            answer = await self._connection.call(_RANGE, rpc.RangeRequest(key=key.encode()))
        return _stored(answer.kvs[0]) if answer.kvs else None

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: Revision = 0) -> Page:
        """See `Storage.list`."""
        start, end = _range(prefix)
        if start_after:
            start = max(start, start_after.encode() + b"\0")
        items: list[Stored] = []
        while True:
            size = min(_PAGE, limit - len(items)) if limit else _PAGE
            request = rpc.RangeRequest(key=start, range_end=end, limit=size, revision=revision)
            with metrics.Timed("list", prefix):
                answer = await self._connection.call(_RANGE, request)
            revision = revision or answer.header.revision
            items.extend(map(_stored, answer.kvs))
            remaining = answer.count - len(answer.kvs)
            if not remaining or not answer.kvs or (limit and len(items) >= limit):
                return Page(items, revision, remaining)
            start = answer.kvs[-1].key + b"\0"

    async def commit(self, writes: Sequence[Put | Delete]) -> Revision:
        """See `Storage.commit`."""
        if len({write.key for write in writes}) != len(writes) or not writes:
            raise ValueError("a commit writes at least one key, and each only once")
        request = rpc.TxnRequest()
        leases: list[int] = []
        for write in writes:
            key = write.key.encode()
            request.compare.add(target=rpc.Compare.MOD, key=key, mod_revision=write.expected)
            request.failure.add().request_range.key = key
            if isinstance(write, Delete):
                request.success.add().request_delete_range.key = key
                continue
            put = request.success.add().request_put
            put.key, put.value = key, write.value
            if write.ttl_seconds:
                put.lease = await self._leases.lease(write.ttl_seconds)
                leases.append(put.lease)
        with metrics.Timed(metrics.operation_of(writes[0]), writes[0].key):
            answer = await self._transact(request, leases)
        if answer.succeeded:
            return int(answer.header.revision)
        raise _mismatch(writes, answer)

    async def current_revision(self) -> Revision:
        """See `Storage.current_revision`."""
        answer = await self._connection.call(_RANGE, rpc.RangeRequest(key=_ALL_KEYS, count_only=True))
        return int(answer.header.revision)

    def watch(self, prefix: str, *, after: Revision) -> AsyncIterator[WatchBatch]:
        """See `Storage.watch`."""
        start, end = _range(prefix)
        return watch(self._connection, start, end, after)

    async def compact(self, revision: Revision) -> None:
        """See `Storage.compact`."""
        await self._connection.call(_COMPACT, rpc.CompactionRequest(revision=revision))

    async def size_bytes(self) -> int:
        """See `Storage.size_bytes`: of the member in use."""
        answer = await self._connection.call(_STATUS, rpc.StatusRequest())
        return int(answer.db_size)

    async def close(self) -> None:
        """See `Storage.close`."""
        await self._connection.close()

    async def _transact(self, request: Any, leases: Sequence[int]) -> Any:
        try:
            return await self._connection.call(_TXN, request)
        except Unavailable:
            raise
        except StorageError:
            for lease in leases:  # one that etcd has dropped must not spoil the next write too
                self._leases.forget(lease)
            raise

    async def _grant(self, seconds: int) -> int:
        answer = await self._connection.call(_GRANT, rpc.LeaseGrantRequest(TTL=seconds))
        return int(answer.ID)


def _range(prefix: str) -> tuple[bytes, bytes]:
    start = prefix.encode() or _ALL_KEYS
    return start, prefix_end(prefix.encode())


def _stored(kv: Any) -> Stored:
    return Stored(kv.key.decode(), kv.value, kv.mod_revision)


def _mismatch(writes: Sequence[Put | Delete], answer: Any) -> Mismatch:
    """The first write whose expectation does not hold, by what the failed transaction read."""
    for write, response in zip(writes, answer.responses, strict=True):
        kvs = response.response_range.kvs
        if (kvs[0].mod_revision if kvs else 0) != write.expected:
            return Mismatch(write.key, _stored(kvs[0]) if kvs else None)
    raise StorageError("etcd refused a transaction all of whose conditions hold")


async def open_etcd(
    endpoints: Sequence[str], *, cafile: str = "", certfile: str = "", keyfile: str = ""
) -> EtcdStorage:
    """The store at these URLs ("http://127.0.0.1:2379", "https://...").

    Raises `Unavailable` where none answers in time, OSError for files that cannot be read."""
    tls = await asyncio.to_thread(read_tls, TlsFiles(cafile, certfile, keyfile))
    storage = EtcdStorage(Connection(endpoints, tls))
    try:
        await storage.current_revision()
    except StorageError:
        await storage.close()
        raise
    return storage
