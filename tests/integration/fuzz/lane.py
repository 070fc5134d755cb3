"""One client that sends fuzzed requests one by one to an API server of its own, and judges every answer.

An answer is wrong when it is a 5xx, comes too late, is no Kubernetes Status where it says no, or says no although
something was written. What was written is read off the store's own history, not asked of the server under test."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import orjson
import yaml
from yarl import URL

from apiserver.storage.interface import Storage, StorageEvent
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess
from tests.integration.fuzz.requests import NAMESPACE, Request, operations, stream

_HANG_SECONDS = 30.0
#: What API servers write by themselves, at any time: leases, conditions, what lies in a store by default.
_BOOKKEEPING = (
    "leases/kube-system/", "apiregistration.k8s.io/", "apiextensions.k8s.io/", "masterleases/",
    "configmaps/kube-system/", "flowschemas/", "prioritylevelconfigurations/",
)  # fmt: skip
_BOOKKEEPING_OBJECTS = ("/default/kubernetes", "/clusterips/10.96.0.1")
#: Faults of the client that v1.28 answers with 500 all the same: Go errors that no one gave a code, nor a reason.
_REASONLESS = re.compile(
    "strconv.ParseUint: parsing"
    "|resourceVersion should not be set on objects to be created"
    "|failed to create typed patch object|failed to convert new typed object"
    "|does not contain declared merge key"
    "|unknown patch type: "
    "|expected a \\[\\]interface {}, but received "
)
_NO_SUCH_PATH = b"404 page not found\n"
_WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer", "minimum": 0, "default": 3},
                                    "colors": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
                                    "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                },
                                "x-kubernetes-validations": [{"rule": "!has(self.size) || self.size < 100"}],
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


class Lane:
    """Use as an async context manager; `faults` is what was found, a text each."""

    def __init__(self, folder: Path, storage: Storage, etcd_url: str, seed: int) -> None:
        self._storage = storage
        self._prefix = f"/lane{seed}"
        self._server = ApiServerProcess(
            folder, "--storage-backend=etcd3", f"--etcd-servers={etcd_url}", f"--etcd-prefix={self._prefix}"
        )
        self._folder = folder
        self._random = Random(seed)
        self._seed = seed
        self._revision = 0
        self._written: list[StorageEvent] = []
        self._seen = asyncio.Condition()
        self.faults: list[str] = []
        self.codes: Counter[int] = Counter()

    async def __aenter__(self) -> Lane:
        await self._server.start()
        config = self._server.config()
        self._session = aiohttp.ClientSession(
            base_url=config.server,
            connector=aiohttp.TCPConnector(ssl=config.ssl_context or True),
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
            timeout=aiohttp.ClientTimeout(total=_HANG_SECONDS),
            skip_auto_headers=("Content-Type", "Accept"),
        )
        self._revision = await self._storage.current_revision()
        self._watching = asyncio.create_task(self._follow(self._revision), name=f"history of lane {self._seed}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await self._session.close()
        await self._server.stop()

    async def run(self, requests: int) -> None:
        """Send so many requests."""
        found = operations(await self._documents(), self._random)
        generated = stream(found, self._random)
        self._revision = await self._storage.current_revision()
        for number in range(requests):
            await self._send(number, next(generated))

    def log(self) -> str:
        """The end of what the server wrote."""
        return (self._folder / "apiserver.log").read_text()[-4000:]

    async def _documents(self) -> dict[str, Any]:
        await self._post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        account = {"metadata": {"name": "default"}}  # no controller runs that would make it
        await self._post(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", account)
        await self._post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", _WIDGETS)
        async with asyncio.timeout(_HANG_SECONDS):
            while "apis/example.com/v1" not in (index := await self._get("/openapi/v3"))["paths"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # nothing tells a client that the documents have it
        return {name: await self._get(entry["serverRelativeURL"]) for name, entry in index["paths"].items()}

    async def _get(self, path: str) -> Any:
        async with self._session.get(URL(path, encoded=True)) as answer:
            answer.raise_for_status()
            return orjson.loads(await answer.read())

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        async with self._session.post(path, json=body) as answer:
            answer.raise_for_status()

    async def _send(self, number: int, request: Request) -> None:
        before = self._revision
        try:
            async with self._session.request(
                request.method, URL(request.path, encoded=True), headers=request.headers, data=request.body
            ) as answer:
                code, body = answer.status, await answer.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            self._complain(number, request, f"no answer: {error!r}")
            return
        self.codes[code] += 1
        if code >= 500 and not _is_reasonless(body):
            self._complain(number, request, f"{code}: {body[:600]!r}")
        elif (
            400 <= code < 500
            and body != _NO_SUCH_PATH
            and not (_is_json_status(body, code) or _status(body).get("code") == code)
        ):
            self._complain(number, request, f"{code} without a Status: {body[:300]!r}")
        if request.method != "GET":
            self._revision = await self._storage.current_revision()
            if code >= 400 and self._revision != before and (keys := await self._changed(before)):
                self._complain(number, request, f"{code}, and yet written: {keys}; {body[:300]!r}")

    async def _changed(self, after: int) -> list[str]:
        async with self._seen, asyncio.timeout(_HANG_SECONDS):
            await self._seen.wait_for(lambda: self._followed >= self._revision)
        return [
            event.key
            for event in self._written
            if after < event.revision <= self._revision and self._is_ours(event.key)
        ]

    def _is_ours(self, key: str) -> bool:
        below = key.removeprefix(self._prefix + "/")
        if below == key:
            return False
        return not below.startswith(_BOOKKEEPING) and not below.endswith(_BOOKKEEPING_OBJECTS)

    async def _follow(self, after: int) -> None:
        self._followed = after
        async for batch in self._storage.watch("", after=after):
            async with self._seen:
                self._written = [*self._written[-200:], *batch.events]
                self._followed = batch.revision
                self._seen.notify_all()

    def _complain(self, number: int, request: Request, what: str) -> None:
        body = (request.body or b"")[:2000].decode("utf-8", "replace")
        self.faults.append(
            f"lane {self._seed} #{number} {request.method} {request.path} {request.headers}\n{body}\n  -> {what}"
        )


def _status(body: bytes) -> dict[str, Any]:
    """The Status, sent as JSON or YAML; {} where it is none."""
    try:
        answer = yaml.safe_load(body)
    except yaml.YAMLError:
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _is_reasonless(body: bytes) -> bool:
    status = _status(body)
    return "reason" not in status and _REASONLESS.search(status.get("message", "")) is not None


def _is_json_status(body: bytes, code: int) -> bool:
    return body.startswith(b'{"kind":"Status"') and body.rstrip().endswith(b'"code":%d}' % code)
