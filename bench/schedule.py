"""How long until N pods of one Deployment are created and bound: `python bench/schedule.py --kubeconfig FILE`.

Against a running cluster: an API server, a controller manager and a scheduler. The nodes are Node objects without
kubelets, so no pod ever runs; everything made is deleted again. CPU and memory of daemons on this machine are read from
/proc by the ports they listen on."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop

# As a script, Python puts this folder first: then "api" would be this file instead of the package.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from api.resources import DEPLOYMENTS, NAMESPACES, NODES, PODS  # noqa: E402 - only after the path is put right
from apimachinery.errors import ApiError, NotFound  # noqa: E402 - only after the path is put right
from apimachinery.objects import Object, format_time, name_of  # noqa: E402 - only after the path is put right
from bench.measure import Usage, pid_listening_on, usage  # noqa: E402 - only after the path is put right
from client import kubeconfig  # noqa: E402 - only after the path is put right
from client.informer import Informer  # noqa: E402 - only after the path is put right
from client.rest import RestClient  # noqa: E402 - only after the path is put right


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench and print what it took; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", default="", help="cluster and credentials")
    parser.add_argument("--master", default="", help="URL of the API server, in place of the kubeconfig's")
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--limit-seconds", type=float, default=120.0, help="give up after this time")
    parser.add_argument(
        "--ports", default="6443,10257,10259", help="ports of API server, controller manager and scheduler"
    )
    options = parser.parse_args(argv)
    ports = [int(text) for text in options.ports.split(",")]
    try:
        uvloop.run(_run(options, ports))
    except (ApiError, TimeoutError, ValueError) as error:
        sys.stderr.write(f"bench: {error or 'out of time'}\n")
        return 1
    return 0


async def _run(options: argparse.Namespace, ports: list[int]) -> None:
    config = await asyncio.to_thread(kubeconfig.load, options.kubeconfig, options.master)
    names = ("API server", "controller manager", "scheduler")
    pids = dict(zip(names, [pid_listening_on(port) for port in ports], strict=True))
    namespace = f"bench-schedule-{int(time.time())}"
    nodes = [f"bench-node-{number}" for number in range(options.nodes)]
    async with RestClient(config, user_agent="bench") as client:
        try:
            await _each(nodes, lambda name: _add_node(client, name))
            await client.create(NAMESPACES, {"metadata": {"name": namespace}})
            before = {name: usage(pid) for name, pid in pids.items()}
            seconds = await _measure(client, namespace, options.pods, options.limit_seconds)
            print(f"{options.pods} pods created and bound to {options.nodes} nodes in {seconds:.1f} s")
            for name, pid in pids.items():
                _print_usage(name, before[name], usage(pid))
        finally:
            await _clean_up(client, namespace, nodes)


def _print_usage(name: str, before: Usage | None, after: Usage | None) -> None:
    if before is None or after is None:
        print(f"  {name}: not on this machine")
        return
    cpu, memory = after.cpu_seconds - before.cpu_seconds, after.resident_bytes / 1e6
    print(f"  {name}: {cpu:.1f} s CPU, {memory:.0f} MB")


async def _measure(client: RestClient, namespace: str, count: int, limit: float) -> float:
    """Seconds from the creation of the Deployment until all its pods are seen on nodes."""
    bound: set[str] = set()
    done = asyncio.Event()

    def on_change(old: Object | None, new: Object | None) -> None:
        if new is not None and new["spec"].get("nodeName"):
            bound.add(name_of(new))
            if len(bound) == count:
                done.set()

    informer = Informer(client, PODS, namespace=namespace, field_selector="spec.nodeName!=")
    informer.on_change(on_change)
    watching = asyncio.create_task(informer.run())
    try:
        await informer.wait_synced()
        started = time.monotonic()
        await client.create(DEPLOYMENTS, _deployment(namespace, count))
        async with asyncio.timeout(limit):
            await done.wait()
        return time.monotonic() - started
    except TimeoutError as error:
        raise TimeoutError(f"only {len(bound)} of {count} pods were bound in {limit:.0f} s") from error
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def _deployment(namespace: str, count: int) -> Object:
    labels = {"app": "bench"}
    container = {"name": "c", "image": "none", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "bench", "namespace": namespace},
        "spec": {
            "replicas": count,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


async def _add_node(client: RestClient, name: str) -> None:
    room = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    now = format_time(datetime.now(UTC))
    ready = {"type": "Ready", "status": "True", "reason": "Bench", "lastHeartbeatTime": now, "lastTransitionTime": now}
    await client.create(
        NODES,
        {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {"capacity": room, "allocatable": room, "conditions": [ready]},
        },
    )


async def _each(names: Sequence[str], action: Callable[[str], Awaitable[object]]) -> None:
    slots = asyncio.Semaphore(16)

    async def one(name: str) -> None:
        async with slots:
            await action(name)

    await asyncio.gather(*(one(name) for name in names))


async def _clean_up(client: RestClient, namespace: str, nodes: Sequence[str]) -> None:
    """The Deployment first, so that nothing comes back; then what a kubelet would have to let go."""

    async def gone(call: Awaitable[object]) -> None:
        with contextlib.suppress(NotFound):
            await call

    await gone(client.delete(DEPLOYMENTS, namespace, "bench", propagation_policy="Orphan"))
    await gone(client.delete(NAMESPACES, "", namespace))
    left = (await client.list(PODS, namespace)).get("items") or []
    while left:
        names = [name_of(pod) for pod in left]
        await _each(names, lambda name: gone(client.delete(PODS, namespace, name, grace_period_seconds=0)))
        left = (await client.list(PODS, namespace)).get("items") or []
    await _each(nodes, lambda name: gone(client.delete(NODES, "", name)))


if __name__ == "__main__":
    sys.exit(main())
