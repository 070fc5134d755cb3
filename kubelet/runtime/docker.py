"""The Docker runtime: `interface.Runtime` on the Engine API. State lives in Docker alone; labels say what is whose.

`engine.py` speaks HTTP, `records.py` and `streams.py` read Docker's answers."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from kubelet.plan import names
from kubelet.plan.images import parse_image
from kubelet.plan.records import ContainerRecord
from kubelet.runtime.cgroups import read_stats
from kubelet.runtime.engine import Engine
from kubelet.runtime.interface import (
    ContainerGone,
    ContainerStats,
    ExecResult,
    Image,
    LogOptions,
    RuntimeEvent,
    RuntimeRefused,
    RuntimeUnavailable,
    RuntimeVersion,
)
from kubelet.runtime.records import record_of, shown_image_id
from kubelet.runtime.streams import Demultiplexer, JsonLines

logger = logging.getLogger(__name__)

_MESSAGE_BYTES = 4096
_FALLBACK_BYTES, _FALLBACK_LINES = 2048, 80
_LISTED_STATES = {"running": "running", "exited": "exited", "created": "created", "dead": "exited"}
_EXEC_OUTPUT_BYTES = 10 << 10


class DockerRuntime:
    """One Docker daemon, seen by the kubelet of `root_dir`."""

    def __init__(self, engine: Engine, root_dir: str, *, concurrency: int = 4, pull_idle_seconds: float = 60.0) -> None:
        """`concurrency`: how many containers Docker is asked to start or end at a time; more only slows each down.
        `pull_idle_seconds`: how long a pull may go on without progress."""
        self._pull_idle_seconds = pull_idle_seconds
        self._engine = engine
        self._root_dir = root_dir
        self._heavy = asyncio.Semaphore(concurrency)
        self._image_ids: dict[str, str] = {}

    async def version(self) -> RuntimeVersion:
        """Ask the daemon."""
        answer = await self._engine.call("GET", "/version", timeout_seconds=10)
        info = await self._engine.call("GET", "/info", timeout_seconds=20)
        return RuntimeVersion(
            "docker",
            answer.get("Version") or "",
            answer.get("ApiVersion") or "",
            info.get("CgroupDriver") or "",
            info.get("DockerRootDir") or "/var/lib/docker",
        )

    def _label_filter(self) -> list[str]:
        return [names.CONTAINER_TYPE, f"{names.ROOT_DIR}={self._root_dir}"]

    async def list_containers(self, known: dict[str, ContainerRecord]) -> list[ContainerRecord]:
        """Our containers; only those that changed are inspected."""
        filters = orjson.dumps({"label": self._label_filter()}).decode()
        listed = await self._engine.call("GET", "/containers/json", params={"all": "1", "filters": filters})
        result = []
        for entry in listed:
            before = known.get(entry["Id"])
            if before is not None and _LISTED_STATES.get(entry["State"]) == before.state:
                result.append(before)
            elif (found := await self.inspect(entry["Id"])) is not None:
                result.append(found)
        return result

    async def inspect(self, container_id: str) -> ContainerRecord | None:
        """One container; None when it is gone or not ours."""
        try:
            info = await self._engine.call("GET", f"/containers/{container_id}/json")
        except ContainerGone:
            return None
        labels = (info.get("Config") or {}).get("Labels") or {}
        if names.CONTAINER_TYPE not in labels or labels.get(names.ROOT_DIR) != self._root_dir:
            return None
        if labels[names.CONTAINER_TYPE] == names.TYPE_SANDBOX:
            return record_of(info, info["Image"])
        record = record_of(info, await self._shown_image_id(info["Image"]))
        if record.state != "exited" or record.reason == "ContainerCannotRun":
            return record
        return record_of(info, record.image_id, await self._termination_message(record))

    async def _shown_image_id(self, image_id: str) -> str:
        if image_id not in self._image_ids:
            image = await self.image(image_id)
            if image is None:
                return f"docker://{image_id}"
            if len(self._image_ids) > 1000:
                self._image_ids.clear()
            self._image_ids[image_id] = shown_image_id(image.id, image.digests)
        return self._image_ids[image_id]

    async def _termination_message(self, record: ContainerRecord) -> str:
        path = record.labels.get(names.MESSAGE_FILE)
        text = await asyncio.to_thread(_read_message, Path(path)) if path else ""
        if text or record.exit_code == 0 or record.labels.get(names.MESSAGE_POLICY) != "FallbackToLogsOnError":
            return text
        collected = bytearray()
        try:
            async for chunk in self.logs(record.id, record.tty, LogOptions(tail=_FALLBACK_LINES)):
                collected += chunk
                del collected[:-_FALLBACK_BYTES]
        except RuntimeRefused as error:
            return f"Error reading termination message from logs: {error}"
        return collected.decode(errors="replace")

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        """Docker's event stream for our containers."""
        wanted = {
            "type": ["container"],
            "event": ["create", "start", "die", "destroy"],
            "label": self._label_filter(),
        }
        lines = JsonLines()
        params = {"filters": orjson.dumps(wanted).decode()}
        async with self._engine.open("GET", "/events", params=params) as response:
            async for chunk in response.content.iter_any():
                for event in lines.feed(chunk):
                    actor = event.get("Actor") or {}
                    uid = (actor.get("Attributes") or {}).get(names.POD_UID) or ""
                    yield RuntimeEvent(event["Action"], actor.get("ID") or "", uid)
        raise RuntimeUnavailable("Docker closed its event stream")

    async def create(self, name: str, config: dict[str, Any]) -> str:
        """POST /containers/create; a leftover of the same name is removed first (a crash between create and start)."""
        try:
            return await self._create(name, config)
        except RuntimeRefused as error:
            leftover = re.search(r'already in use by container "?([0-9a-f]{64})', str(error))
            if error.code != 409 or leftover is None:
                raise
            logger.info("Removing a leftover container of the same name", extra={"container": name})
            await self.remove(leftover[1])
            return await self._create(name, config)

    async def _create(self, name: str, config: dict[str, Any]) -> str:
        answer = await self._engine.call("POST", "/containers/create", params={"name": name}, body=config)
        container_id: str = answer["Id"]
        return container_id

    async def start(self, container_id: str) -> None:
        """POST /containers/ID/start."""
        async with self._heavy:
            await self._engine.call("POST", f"/containers/{container_id}/start")

    async def stop(self, container_id: str, grace_seconds: float) -> None:
        """POST /containers/ID/stop; the daemon waits for the grace and kills."""
        seconds = max(0, round(grace_seconds))
        try:
            await self._engine.call(
                "POST", f"/containers/{container_id}/stop", params={"t": str(seconds)}, timeout_seconds=seconds + 60
            )
        except ContainerGone:
            return

    async def kill(self, container_id: str) -> None:
        """POST /containers/ID/kill."""
        try:
            async with self._heavy:
                await self._engine.call("POST", f"/containers/{container_id}/kill")
        except ContainerGone:
            return
        except RuntimeRefused as error:
            if error.code != 409:  # it does not run
                raise

    async def remove(self, container_id: str) -> None:
        """DELETE /containers/ID with its anonymous volumes."""
        try:
            async with self._heavy:
                await self._engine.call("DELETE", f"/containers/{container_id}", params={"force": "1", "v": "1"})
        except ContainerGone:
            return
        except RuntimeRefused as error:
            if error.code != 409:  # its removal is under way
                raise

    async def exec(self, container_id: str, command: Sequence[str], timeout_seconds: float) -> ExecResult:
        """Run a command; its output is cut at 10 KiB."""
        async with asyncio.timeout(timeout_seconds):
            body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command)}
            created = await self._engine.call("POST", f"/containers/{container_id}/exec", body=body)
            output = bytearray()
            demultiplexer = Demultiplexer()
            start = {"Detach": False, "Tty": False}
            async with self._engine.open("POST", f"/exec/{created['Id']}/start", body=start) as response:
                async for chunk in response.content.iter_any():
                    for _, payload in demultiplexer.feed(chunk):
                        if len(output) < _EXEC_OUTPUT_BYTES:
                            output += payload
            ended = await self._engine.call("GET", f"/exec/{created['Id']}/json")
        return ExecResult(ended.get("ExitCode") or 0, bytes(output[:_EXEC_OUTPUT_BYTES]))

    async def logs(self, container_id: str, tty: bool, options: LogOptions) -> AsyncIterator[bytes]:
        """GET /containers/ID/logs, demultiplexed."""
        params = {"stdout": "1", "stderr": "1"}
        if options.follow:
            params["follow"] = "1"
        if options.timestamps:
            params["timestamps"] = "1"
        if options.since is not None:
            params["since"] = f"{options.since.timestamp():.9f}"
        if options.tail is not None:
            params["tail"] = str(options.tail)
        demultiplexer = Demultiplexer()
        async with self._engine.open("GET", f"/containers/{container_id}/logs", params=params) as response:
            async for chunk in response.content.iter_any():
                if tty:
                    yield chunk
                    continue
                payload = b"".join(payload for _, payload in demultiplexer.feed(chunk))
                if payload:
                    yield payload

    async def stats(self, container: ContainerRecord) -> ContainerStats | None:
        """Read from the kernel, by the container's first process."""
        return await asyncio.to_thread(read_stats, container.pid) if container.pid else None

    async def disk_paths(self, container_id: str) -> tuple[str, ...] | None:
        """The writable layer where the storage driver tells (overlay2), and the log files, rotated ones as well."""
        try:
            info = await self._engine.call("GET", f"/containers/{container_id}/json")
        except ContainerGone:
            return None
        paths = []
        upper = ((info.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir")
        if upper:
            paths.append(upper)
        log = Path(info.get("LogPath") or "")
        if log.is_absolute():
            paths += await asyncio.to_thread(lambda: [str(path) for path in log.parent.glob(f"{log.name}*")])
        return tuple(paths)

    async def image(self, reference: str) -> Image | None:
        """GET /images/NAME/json."""
        try:
            info = await self._engine.call("GET", f"/images/{quote(reference, safe='/:@')}/json")
        except ContainerGone:
            return None
        return _image(info)

    async def list_images(self) -> list[Image]:
        """GET /images/json."""
        return [_image(entry) for entry in await self._engine.call("GET", "/images/json")]

    async def used_image_ids(self) -> set[str]:
        """The images of all containers, whoever made them."""
        listed = await self._engine.call("GET", "/containers/json", params={"all": "1"})
        return {entry["ImageID"] for entry in listed}

    async def pull(self, reference: str, auth: str = "") -> None:
        """POST /images/create; the errors of registry and daemon come inside the stream."""
        name = parse_image(reference)
        params = {"fromImage": name.name, "tag": name.digest or name.tag}
        lines = JsonLines()
        headers = {"X-Registry-Auth": auth} if auth else None
        async with self._engine.open(
            "POST", "/images/create", params=params, headers=headers, idle_seconds=self._pull_idle_seconds
        ) as response:
            async for chunk in response.content.iter_any():
                for entry in lines.feed(chunk):
                    if entry.get("error"):
                        raise RuntimeRefused(entry["error"], 500)

    async def import_image(self, archive: bytes, name: str, tag: str, changes: Sequence[str]) -> None:
        """POST /images/create from a tar archive."""
        query = "&".join(
            ["fromSrc=-", f"repo={quote(name)}", f"tag={quote(tag)}", *(f"changes={quote(c)}" for c in changes)]
        )
        lines = JsonLines()
        async with self._engine.open(
            "POST", f"/images/create?{query}", data=archive, headers={"Content-Type": "application/x-tar"},
            timeout_seconds=60,
        ) as response:  # fmt: skip
            async for chunk in response.content.iter_any():
                for entry in lines.feed(chunk):
                    if entry.get("error"):
                        raise RuntimeRefused(entry["error"], 500)

    async def remove_image(self, image_id: str) -> None:
        """DELETE /images/ID; one that a container still uses is refused by Docker."""
        try:
            await self._engine.call("DELETE", f"/images/{quote(image_id, safe='/:@')}", params={"force": "1"})
        except ContainerGone:
            return


def _image(info: Mapping[str, Any]) -> Image:
    tags = tuple(tag for tag in info.get("RepoTags") or () if "<none>" not in tag)
    digests = tuple(digest for digest in info.get("RepoDigests") or () if "<none>" not in digest)
    return Image(info["Id"], tags, digests, info.get("Size") or 0, (info.get("Config") or {}).get("User") or "")


def _read_message(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MESSAGE_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"Error on reading termination log {path}: {error}"
