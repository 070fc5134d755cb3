"""A one-node cluster for a test: an API server and a kubelet as processes, in the network namespace of the test.

Docker is the machine's own; what is started there carries the lab's root directory as a label and is removed."""

from __future__ import annotations

import asyncio
import io
import shutil
import signal
import sys
import tarfile
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from api.resources import CORE_EVENTS, NODES, PODS
from apimachinery.errors import ApiError, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, name_of
from client.rest import ClientConfig, RestClient
from kubelet.runtime.docker import DockerRuntime
from kubelet.runtime.engine import Engine

IMAGE = "mini-kubernetes-test/busybox:1"
NODE = "lab"
#: Of anything that is waited for. Nothing takes nearly as long but on a machine that is busy with other things.
_SECONDS = 90.0
_COMMANDS = (
    "sh",
    "sleep",
    "cat",
    "true",
    "false",
    "echo",
    "touch",
    "rm",
    "httpd",
    "id",
    "hostname",
    "env",
    "ls",
    "test",
)
#: A container that ends at once when it is told to.
LOOP = ["sh", "-c", "trap 'exit 0' TERM; echo started; while true; do sleep 0.1; done"]


def busybox_archive() -> bytes:
    """A root file system of busybox alone."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "busybox-static is needed"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for command in _COMMANDS:
            link = tarfile.TarInfo(f"bin/{command}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name, mode in (("tmp", 0o1777), ("etc", 0o755), ("proc", 0o755), ("sys", 0o755), ("dev", 0o755)):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            archive.addfile(directory)
    return buffer.getvalue()


def make_pod(name: str, command: list[str] | None = None, **spec: Any) -> Object:
    """A pod of one container `c`, bound to the lab's node; `container` adds fields to it."""
    container = {"name": "c", "image": IMAGE, "command": command or LOOP, **spec.pop("container", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": NODE, "containers": [container], "terminationGracePeriodSeconds": 5, **spec},
    }


class KubeletLab:
    """The processes, a client, and what tests ask again and again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root_dir = directory / "kubelet"
        self.cni_dir = directory / "net.d"
        self.engine = Engine()
        self.docker = DockerRuntime(self.engine, str(self.root_dir))
        self.client = RestClient(ClientConfig("http://127.0.0.1:8080"), user_agent="test")
        self._api: asyncio.subprocess.Process | None = None
        self._kubelet: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """API server, image, kubelet; returns when the node is Ready."""
        name, _, tag = IMAGE.partition(":")
        if not any(IMAGE in image.tags for image in await self.docker.list_images()):
            await self.docker.import_image(busybox_archive(), name, tag, ["ENV PATH=/bin"])
        await self.client.__aenter__()
        await self.start_api()
        await self.start_kubelet()
        await self.until(self.node_ready)

    async def start_api(self) -> None:
        """Start the API server (again), and wait until it answers."""
        self._api = await self._run(
            "apiserver", "--storage-backend=sqlite", f"--sqlite-path={self.directory}/api.db", "--insecure-port=8080",
            f"--cert-dir={self.directory}/certs", "--authorization-mode=AlwaysAllow",
            "--disable-admission-plugins=ServiceAccount", "--advertise-address=192.168.50.1",
        )  # fmt: skip
        await self.until(self._api_answers)

    async def stop_api(self) -> None:
        """End the API server; what it stored stays."""
        assert self._api is not None
        self._api.terminate()
        async with asyncio.timeout(15):
            await self._api.wait()

    async def start_kubelet(self, *flags: str) -> None:
        """Start the kubelet (again)."""
        self._kubelet = await self._run(
            "kubelet", "--master=http://127.0.0.1:8080", f"--root-dir={self.root_dir}", f"--hostname-override={NODE}",
            "--node-ip=192.168.50.1", "--pod-cidr=10.97.0.0/24", "--anonymous-auth", "--fail-swap-on=false",
            f"--cni-conf-dir={self.cni_dir}", "--cluster-dns=10.96.0.10", *flags,
        )  # fmt: skip

    async def kill_kubelet(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End the kubelet; its exit code."""
        assert self._kubelet is not None
        self._kubelet.send_signal(how)
        async with asyncio.timeout(15):
            return await self._kubelet.wait()

    async def _run(self, package: str, *flags: str) -> asyncio.subprocess.Process:
        with (self.directory / f"{package}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(sys.executable, "-m", package, *flags, stdout=log, stderr=log)

    async def close(self) -> None:
        """Remove every pod's containers and end the processes."""
        for process in (self._kubelet, self._api):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
        for record in await self.docker.list_containers({}):
            await self.docker.remove(record.id)
        await self.client.__aexit__(None, None, None)
        await self.engine.close()

    def log(self) -> str:
        """What the kubelet logged."""
        return (self.directory / "kubelet.log").read_text()

    async def _api_answers(self) -> bool:
        try:
            await self.client.list(PODS, "default")
        except ApiError:
            return False
        return True

    async def node_ready(self) -> bool:
        """Whether the node's Ready condition is True."""
        return await self.node_condition("Ready") == "True"

    async def node_condition(self, kind: str) -> str:
        """The status of one of the node's conditions, "" where it has none."""
        try:
            node = await self.client.get(NODES, "", NODE)
        except NotFound:
            return ""
        found = [c["status"] for c in (node.get("status") or {}).get("conditions") or () if c["type"] == kind]
        return found[0] if found else ""

    async def until(self, check: Callable[[], Any]) -> None:
        """Wait for the (asynchronous) check to hold: of Docker, files and processes, which nobody tells of."""
        try:
            async with asyncio.timeout(_SECONDS):
                while not await check():  # noqa: ASYNC110 (see above)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise self._too_late() from None

    async def until_told(self, resource: Resource, selector: str, check: Callable[[list[Object]], Any]) -> list[Object]:
        """The objects of the field selector once the check holds, which is made with every change the API tells of."""
        try:
            async with asyncio.timeout(_SECONDS), aclosing(self._told(resource, selector)) as states:
                async for found in states:
                    if check(found):
                        return found
        except TimeoutError:
            pass
        raise self._too_late()

    async def _told(self, resource: Resource, selector: str) -> AsyncGenerator[list[Object], None]:
        while True:
            listed = await self.client.list(resource, "default", field_selector=selector)
            found = {name_of(item): item for item in listed["items"]}
            yield [*found.values()]
            version = listed["metadata"]["resourceVersion"]
            async for event in self.client.watch(
                resource, "default", resource_version=version, field_selector=selector
            ):
                if event.type == "BOOKMARK":
                    continue
                if event.type == "DELETED":
                    found.pop(name_of(event.object), None)
                else:
                    found[name_of(event.object)] = event.object
                yield [*found.values()]

    async def _pod_once(self, name: str, check: Callable[[Object], Any]) -> Object:
        """The pod as it is when the check holds for it."""
        found = await self.until_told(PODS, f"metadata.name={name}", lambda pods: pods and check(pods[0]))
        return found[0]

    def _too_late(self) -> AssertionError:
        logs = [f"{path.name}:\n{path.read_text()[-4000:]}" for path in sorted(self.directory.glob("*.log"))]
        return AssertionError("\n".join([f"not within {_SECONDS:g} s", *logs]))

    async def create(self, pod: Object) -> Object:
        """Create a pod."""
        return await self.client.create(PODS, pod)

    async def pod(self, name: str) -> Object:
        """The pod as the API has it."""
        return await self.client.get(PODS, "default", name)

    async def status(self, name: str) -> dict[str, Any]:
        """Its first container's status, {} before there is one."""
        return _first_status(await self.pod(name))

    async def wait_ready(self, name: str, ready: bool = True) -> Object:
        """The pod once its container is (not) ready."""
        return await self._pod_once(name, lambda pod: _first_status(pod).get("ready") is ready)

    async def wait_state(self, name: str, state: str, reason: str) -> dict[str, Any]:
        """Its container's status once it is in the state for the reason."""

        def check(pod: Object) -> bool:
            found = _first_status(pod).get("state", {}).get(state)
            return found is not None and found.get("reason") == reason

        return _first_status(await self._pod_once(name, check))

    async def wait_phase(self, name: str, phase: str) -> Object:
        """The pod once it is in the phase."""
        return await self._pod_once(name, lambda pod: (pod.get("status") or {}).get("phase") == phase)

    async def wait_gone(self, name: str) -> None:
        """Return once the API has no such pod."""
        await self.until_told(PODS, f"metadata.name={name}", lambda pods: not pods)

    async def containers(self) -> dict[str, str]:
        """Our containers in Docker: id by "pod/container", running ones only."""
        found = await self.docker.list_containers({})
        return {f"{record.pod_name}/{record.name}": record.id for record in found if record.running}

    async def wait_nothing_left(self) -> None:
        """Return once Docker has no container of ours and no pod directory is left."""

        async def check() -> bool:
            pods = self.root_dir / "pods"
            return not await self.docker.list_containers({}) and not (pods.exists() and list(pods.iterdir()))

        await self.until(check)

    async def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) of the pod's events."""
        listed = await self.client.list(CORE_EVENTS, "default", field_selector=f"involvedObject.name={name}")
        return [(event["reason"], event["message"]) for event in listed["items"]]

    async def wait_event(self, name: str, reason: str, part: str = "") -> None:
        """Return once there is such an event, its message containing `part`."""

        def check(events: list[Object]) -> bool:
            return any(event["reason"] == reason and part in event["message"] for event in events)

        await self.until_told(CORE_EVENTS, f"involvedObject.name={name}", check)

    async def logs(self, name: str, **params: str) -> str:
        """The log through the API server."""
        code, body = await self.client.raw("GET", f"/api/v1/namespaces/default/pods/{name}/log", params=params)
        assert code == 200, body
        return body.decode()


def _first_status(pod: Object) -> dict[str, Any]:
    """The status of the pod's first container, {} before there is one."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    found: dict[str, Any] = statuses[0]
    return found
