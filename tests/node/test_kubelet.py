"""The kubelet for real: pods in Docker, from their creation in the API to their last trace."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from api.resources import CONFIG_MAPS, PODS
from kubelet.plan.docker_config import NodeSettings, container_config, sandbox_config
from tests.node.kubelet_lab import IMAGE, KubeletLab, busybox_archive, make_pod
from tests.node.lab import Lab, run

pytestmark = pytest.mark.timeout(300)


async def test_a_pod_from_creation_to_its_last_trace(lab: KubeletLab) -> None:
    await lab.client.create(CONFIG_MAPS, {"metadata": {"name": "m", "namespace": "default"}, "data": {"k": "v1"}})
    show = "cat /etc/hosts; echo $K $POD_IP; cat /cfg/k; echo; id -u; echo done > /data/x"
    script = f"{show}; trap 'exit 0' TERM; while true; do sleep 0.1; done"
    container = {
        "env": [
            {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "volumeMounts": [{"name": "cfg", "mountPath": "/cfg"}, {"name": "data", "mountPath": "/data"}],
        "securityContext": {"runAsUser": 1000},
        "resources": {"limits": {"memory": "64Mi", "cpu": "500m"}},
    }
    volumes = [{"name": "cfg", "configMap": {"name": "m"}}, {"name": "data", "emptyDir": {}}]
    await lab.create(make_pod("whole", ["sh", "-c", script], container=container, volumes=volumes))
    pod = await lab.wait_ready("whole")
    ip = pod["status"]["podIP"]
    assert ip.startswith("10.97.0.")
    assert pod["status"]["phase"] == "Running"
    assert {c["type"]: c["status"] for c in pod["status"]["conditions"]} == {
        "Initialized": "True", "Ready": "True", "ContainersReady": "True", "PodScheduled": "True",
    }  # fmt: skip
    log = await lab.logs("whole")
    assert f"{ip}\twhole\n" in log
    assert log.endswith(f"v1 {ip}\nv1\n1000\n")
    assert await lab.logs("whole", tailLines="1") == "1000\n"
    assert [reason for reason, _ in await lab.events("whole")] == ["Pulled", "Created", "Started"]
    await lab.client.delete(PODS, "default", "whole")
    await lab.wait_gone("whole")
    await lab.wait_nothing_left()
    assert "veth" not in run("ip", "link", "show", "master", "cni0")
    await lab.wait_event("whole", "Killing", "Stopping container c")


async def test_how_pods_end(lab: KubeletLab) -> None:
    script = ["sh", "-c", "echo bye > /dev/termination-log; exit 0"]
    await lab.create(make_pod("once", script, restartPolicy="Never"))
    await lab.create(make_pod("fails", ["sh", "-c", "echo oops; exit 7"], restartPolicy="Never",
                              container={"terminationMessagePolicy": "FallbackToLogsOnError"}))  # fmt: skip
    await lab.create(make_pod("loops", ["sh", "-c", "echo $0; exit 1"]))
    await lab.create(make_pod("nothere", ["/nonexistent"]))
    await lab.wait_phase("once", "Succeeded")
    ended = (await lab.status("once"))["state"]["terminated"]
    assert (ended["reason"], ended["message"], ended["exitCode"]) == ("Completed", "bye\n", 0)
    await lab.wait_phase("fails", "Failed")
    ended = (await lab.status("fails"))["state"]["terminated"]
    assert (ended["reason"], ended["message"], ended["exitCode"]) == ("Error", "oops\n", 7)
    assert await lab.logs("fails") == "oops\n"
    looping = await lab.wait_state("loops", "waiting", "CrashLoopBackOff")
    assert looping["restartCount"] == 1
    assert looping["lastState"]["terminated"]["exitCode"] == 1
    assert looping["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=c pod=loops_")
    await lab.wait_event("loops", "BackOff", "Back-off restarting failed container c in pod loops_default")
    await lab.wait_event("nothere", "Failed", 'Error: failed to start container "c": Error response from daemon: ')


async def test_init_containers_go_first_and_in_order(lab: KubeletLab) -> None:
    mount = {"volumeMounts": [{"name": "d", "mountPath": "/d"}]}
    init = [
        {"name": "one", "image": IMAGE, "command": ["sh", "-c", "echo 1 >> /d/x"], **mount},
        {"name": "two", "image": IMAGE, "command": ["sh", "-c", "echo 2 >> /d/x"], **mount},
    ]
    show = ["sh", "-c", "cat /d/x; trap 'exit 0' TERM; while true; do sleep 0.1; done"]
    await lab.create(
        make_pod("init", show, initContainers=init, volumes=[{"name": "d", "emptyDir": {}}], container=mount)
    )
    pod = await lab.wait_ready("init")
    assert await lab.logs("init") == "1\n2\n"
    assert [status["ready"] for status in pod["status"]["initContainerStatuses"]] == [True, True]


async def test_probes(lab: KubeletLab, tmp_path: Path) -> None:
    flags = tmp_path / "flags"
    flags.mkdir()
    mount = {"volumeMounts": [{"name": "f", "mountPath": "/f"}]}
    volumes = [{"name": "f", "hostPath": {"path": str(flags)}}]

    def probe(file: str) -> dict[str, object]:
        return {"exec": {"command": ["cat", f"/f/{file}"]}, "periodSeconds": 1, "failureThreshold": 1}

    (flags / "alive").touch()
    container = {**mount, "readinessProbe": probe("ready"), "livenessProbe": probe("alive")}
    await lab.create(make_pod("probed", container=container, volumes=volumes))
    serves = {"readinessProbe": {"httpGet": {"path": "/bin/busybox", "port": 8080}, "periodSeconds": 1}}
    await lab.create(make_pod("web", ["httpd", "-f", "-p", "8080"], container=serves))
    await lab.wait_event("probed", "Unhealthy", "Readiness probe failed: cat: can't open '/f/ready'")
    await lab.wait_ready("web")
    assert not (await lab.status("probed"))["ready"]
    (flags / "ready").touch()
    await lab.wait_ready("probed")
    (flags / "ready").unlink()
    await lab.wait_ready("probed", ready=False)
    (flags / "alive").unlink()
    await lab.wait_event("probed", "Killing", "Container c failed liveness probe, will be restarted")

    async def restarted() -> bool:
        return bool((await lab.status("probed"))["restartCount"] >= 1)

    await lab.until(restarted)


async def test_a_killed_kubelet_takes_its_pods_over(lab: KubeletLab) -> None:
    for name in ("stays", "goes", "forced"):
        await lab.create(make_pod(name, container={"readinessProbe": {"exec": {"command": ["true"]}}}))
    for name in ("stays", "goes", "forced"):
        await lab.wait_ready(name)
    before = await lab.containers()
    addresses = {name: (await lab.pod(name))["status"]["podIP"] for name in ("stays", "goes")}
    await lab.kill_kubelet()
    await lab.client.delete(PODS, "default", "goes")
    await lab.client.delete(PODS, "default", "forced", grace_period_seconds=0)
    await lab.create(make_pod("new"))
    watched = asyncio.create_task(_unready_moments(lab, "stays"))
    await lab.start_kubelet()
    await lab.wait_ready("new")
    await lab.wait_gone("goes")

    async def only_two() -> bool:
        return len(await lab.containers()) == 4

    await lab.until(only_two)
    after = await lab.containers()
    assert {name: after[name] for name in ("stays/c", "stays/POD")} == {
        name: before[name] for name in ("stays/c", "stays/POD")
    }
    stays = await lab.pod("stays")
    assert stays["status"]["podIP"] == addresses["stays"]
    assert (await lab.status("stays"))["restartCount"] == 0
    watched.cancel()
    assert (await asyncio.gather(watched, return_exceptions=True))[0] is not True


async def _unready_moments(lab: KubeletLab, name: str) -> bool:
    """True as soon as the pod is seen unready; never ends otherwise."""
    version = (await lab.client.list(PODS, "default"))["metadata"]["resourceVersion"]
    async for event in lab.client.watch(PODS, "default", resource_version=version):
        if event.type == "MODIFIED" and event.object["metadata"]["name"] == name:
            ready = [c["status"] for c in event.object["status"]["conditions"] if c["type"] == "Ready"]
            if ready == ["False"]:
                return True
    return False


async def test_what_a_crash_left_unstarted_is_no_restart(lab: KubeletLab) -> None:
    await lab.kill_kubelet()
    pod = await lab.create(make_pod("crashed"))
    uid = pod["metadata"]["uid"]
    settings = NodeSettings(root_dir=str(lab.root_dir))
    sandbox = {**sandbox_config(pod, IMAGE, settings), "Entrypoint": ["true"]}
    await lab.docker.create(f"k8s_POD_crashed_default_{uid}_0", sandbox)
    container = container_config(
        pod, pod["spec"]["containers"][0], image=IMAGE, sandbox_id="none", attempt=0, environment={}, binds=[],
        settings=settings,
    )  # fmt: skip
    container["HostConfig"] = {}
    await lab.docker.create(f"k8s_c_crashed_default_{uid}_0", container)
    await lab.start_kubelet()
    await lab.wait_ready("crashed")
    assert (await lab.status("crashed"))["restartCount"] == 0
    assert len(await lab.docker.list_containers({})) == 2
    assert "SandboxChanged" not in [reason for reason, _ in await lab.events("crashed")]


async def test_stopping_the_kubelet_leaves_pods_running(lab: KubeletLab) -> None:
    await lab.create(make_pod("runs"))
    await lab.wait_ready("runs")
    assert await lab.kill_kubelet(signal.SIGTERM) == 0
    assert set(await lab.containers()) == {"runs/c", "runs/POD"}


async def test_a_pull_that_fails_says_so_and_recovers(lab: KubeletLab) -> None:
    image = "127.0.0.1:1/none/such:1"
    await lab.create(make_pod("pulls", container={"image": image}))
    await lab.wait_event("pulls", "Failed", f'Failed to pull image "{image}": Error response from daemon: ')
    await lab.wait_event("pulls", "Failed", "Error: ErrImagePull")
    await lab.wait_state("pulls", "waiting", "ImagePullBackOff")
    await lab.wait_event("pulls", "BackOff", f'Back-off pulling image "{image}"')
    await lab.docker.import_image(busybox_archive(), "127.0.0.1:1/none/such", "1", ["ENV PATH=/bin"])
    try:
        await lab.wait_ready("pulls")
        await lab.client.delete(PODS, "default", "pulls")
        await lab.wait_gone("pulls")
        await lab.wait_nothing_left()
    finally:
        await lab.docker.remove_image(image)


async def test_a_pause_image_that_was_asked_for_must_be_there(lab: KubeletLab) -> None:
    await lab.kill_kubelet()
    await lab.start_kubelet("--pod_infra_container_image=127.0.0.1:1/no/pause:1")
    await lab.create(make_pod("waits"))
    text = "Failed to create pod sandbox: Error response from daemon: "
    await lab.wait_event("waits", "FailedCreatePodSandBox", text)
    state = (await lab.status("waits"))["state"]
    assert state == {"waiting": {"reason": "ContainerCreating"}}


async def test_a_missing_reference_waits_for_its_object(lab: KubeletLab) -> None:
    source = {"configMapKeyRef": {"name": "later", "key": "k"}}
    await lab.create(make_pod("env", container={"env": [{"name": "K", "valueFrom": source}]}))
    await lab.wait_state("env", "waiting", "CreateContainerConfigError")
    await lab.wait_event("env", "Failed", 'Error: configmap "later" not found')
    volumes = [{"name": "v", "configMap": {"name": "later"}}]
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    await lab.create(make_pod("volume", volumes=volumes, container=mounts))
    text = 'MountVolume.SetUp failed for volume "v" : configmap "later" not found'
    await lab.wait_event("volume", "FailedMount", text)
    await lab.client.create(CONFIG_MAPS, {"metadata": {"name": "later", "namespace": "default"}, "data": {"k": "v"}})
    await lab.wait_ready("volume")
    await lab.wait_ready("env")


async def test_a_container_that_starts_again_sees_what_its_config_map_says_now(lab: KubeletLab) -> None:
    """The file that a subPath binds is chosen at the start: it would otherwise be old until the next one."""
    await lab.client.create(CONFIG_MAPS, {"metadata": {"name": "s", "namespace": "default"}, "data": {"k": "old"}})
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/k", "subPath": "k"}]}
    volumes = [{"name": "v", "configMap": {"name": "s"}}]
    script = "echo $(cat /k); test $(cat /k) = new && sleep 1000; sleep 6"
    await lab.create(make_pod("again", ["sh", "-c", script], container=mounts, volumes=volumes))
    await lab.wait_ready("again")
    await lab.client.patch(CONFIG_MAPS, "default", "s", {"data": {"k": "new"}}, patch_type="merge")

    async def restarted() -> bool:
        return bool((await lab.status("again"))["restartCount"] >= 1)

    await lab.until(restarted)
    await lab.wait_ready("again")

    async def printed() -> str:
        return await lab.logs("again")

    await lab.until(printed)
    assert await lab.logs("again") == "new\n"
    await lab.client.delete(PODS, "default", "again")  # and with it what is bound
    await lab.wait_gone("again")
    await lab.wait_nothing_left()


async def test_a_sandbox_that_dies_is_made_again(lab: KubeletLab) -> None:
    await lab.create(make_pod("box"))
    await lab.wait_ready("box")
    before = await lab.containers()
    await lab.docker.kill(before["box/POD"])

    async def again() -> bool:
        now = await lab.containers()
        return "box/c" in now and now["box/c"] != before["box/c"] and now.get("box/POD") != before["box/POD"]

    await lab.until(again)
    await lab.wait_ready("box")
    await lab.wait_event("box", "SandboxChanged")


async def test_grace_hook_and_a_shortened_grace(lab: KubeletLab, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    hook = {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo stopped > /o/hook"]}}}}
    mount = {"volumeMounts": [{"name": "o", "mountPath": "/o"}]}
    volumes = [{"name": "o", "hostPath": {"path": str(out)}}]
    await lab.create(make_pod("hooked", volumes=volumes, container={**hook, **mount}))
    await lab.create(make_pod("stubborn", ["sh", "-c", "trap '' TERM; while true; do sleep 1; done"],
                              terminationGracePeriodSeconds=60))  # fmt: skip
    await lab.wait_ready("hooked")
    await lab.wait_ready("stubborn")
    await lab.client.delete(PODS, "default", "hooked")
    await lab.client.delete(PODS, "default", "stubborn")
    await lab.wait_gone("hooked")
    assert (out / "hook").read_text() == "stopped\n"
    assert (await lab.pod("stubborn"))["metadata"]["deletionGracePeriodSeconds"] == 60
    await lab.client.delete(PODS, "default", "stubborn", grace_period_seconds=1)
    await lab.wait_gone("stubborn")
    await lab.wait_nothing_left()


async def test_a_hook_that_hangs_does_not_hold_up_the_deletion(lab: KubeletLab) -> None:
    hook = {"lifecycle": {"postStart": {"exec": {"command": ["sleep", "100"]}}}}
    await lab.create(make_pod("hangs", container=hook))

    async def runs() -> bool:
        return "hangs/c" in await lab.containers()

    await lab.until(runs)
    await lab.client.delete(PODS, "default", "hangs")
    await lab.wait_gone("hangs")
    await lab.wait_nothing_left()


async def test_docker_away_and_back(node: Lab, tmp_path: Path) -> None:
    lab = KubeletLab(tmp_path)
    relay = Relay(tmp_path / "docker.sock")
    await relay.open()
    try:
        await lab.start()
        await lab.kill_kubelet()
        await lab.start_kubelet(f"--docker-endpoint=unix://{relay.path}", "--node-status-update-frequency=1s")
        await lab.create(make_pod("first"))
        await lab.wait_ready("first")
        before = await lab.containers()
        await relay.close()

        async def not_ready() -> bool:
            return await lab.node_condition("Ready") == "False"

        await lab.until(not_ready)
        await lab.create(make_pod("second"))
        await relay.open()
        await lab.wait_ready("second")
        await lab.until(lab.node_ready)
        after = await lab.containers()
        assert {name: after[name] for name in before} == before
    finally:
        await relay.close()
        await lab.close()


class Relay:
    """A second socket of the Docker daemon that can be taken away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: asyncio.AbstractServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, onward = await asyncio.open_unix_connection("/var/run/docker.sock")
        for source, target in ((reader, onward), (upstream, writer)):
            task = asyncio.create_task(self._copy(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        finally:
            target.close()
