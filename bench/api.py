"""How fast an API server is, and at what cost: `python bench/api.py --server https://127.0.0.1:6443 --token T`.

Works against any Kubernetes API server, by ordinary calls in a namespace of its own that it deletes again. Where the
server runs on this machine its CPU time and memory are read from /proc; the load itself is in `scenarios.py`."""

from __future__ import annotations

import argparse
import asyncio
import base64
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
import yaml

# As a script, Python puts this folder first: then "api" would be this file instead of the package.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.connection import Target  # noqa: E402 - only after the path is put right
from bench.measure import pid_listening_on, usage  # noqa: E402 - only after the path is put right
from bench.scenarios import Bench, BenchError, Row  # noqa: E402 - only after the path is put right
from component import tlscontext  # noqa: E402

SCENARIOS = ("create", "get", "list", "label", "watch")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench and print its table; returns the exit code."""
    options = _parse(argv)
    target = _target(options)
    host, port = target.address
    pid = options.pid or (pid_listening_on(port) if host in ("127.0.0.1", "localhost", "::1") else None)
    bench = Bench(target, pid, options.namespace, options.pods, options.seconds, options.connections, options.watchers)
    try:
        uvloop.run(asyncio.wait_for(_run(bench, options.scenarios), options.limit_seconds))
    except (BenchError, OSError, TimeoutError) as error:
        sys.stderr.write(f"bench: {error or 'out of time'}\n")
        return 1
    finally:
        _print_table(bench)
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="", help="URL of the API server")
    parser.add_argument("--token", default="", help="bearer token")
    parser.add_argument("--kubeconfig", default="", help="take server and credentials from this file")
    parser.add_argument("--pid", type=int, default=0, help="the server's process, if it is not found by its port")
    parser.add_argument("--namespace", default=f"bench-{int(time.time())}", help="made and deleted again")
    parser.add_argument("--pods", type=int, default=6400, help="how many pods are created and listed")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each reading load runs")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--limit-seconds", type=float, default=300.0, help="give up after this time")
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS), help=f"of {', '.join(SCENARIOS)}")
    options = parser.parse_args(argv)
    if not options.server and not options.kubeconfig:
        parser.error("--server or --kubeconfig is needed")
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"unknown scenario: {', '.join(sorted(unknown))}")
    return options


def _target(options: argparse.Namespace) -> Target:
    tls = tlscontext.unverified()  # figures are wanted, of servers with self-made certificates too
    if not options.kubeconfig:
        return Target(options.server, options.token, tls)
    config = yaml.safe_load(Path(options.kubeconfig).read_text())
    context = next(item["context"] for item in config["contexts"] if item["name"] == config["current-context"])
    cluster = next(item["cluster"] for item in config["clusters"] if item["name"] == context["cluster"])
    user: dict[str, Any] = next((item["user"] for item in config["users"] if item["name"] == context.get("user")), {})
    with tempfile.TemporaryDirectory() as directory:
        certificate = _file_of(user, "client-certificate", Path(directory))
        if certificate:
            tls.load_cert_chain(certificate, _file_of(user, "client-key", Path(directory)))
    return Target(options.server or cluster["server"], options.token or user.get("token", ""), tls)


def _file_of(user: dict[str, Any], name: str, directory: Path) -> str | None:
    """The file a kubeconfig names, or one with the data it holds."""
    data = user.get(f"{name}-data")
    if not data:
        return user.get(name)
    path = directory / name
    path.write_bytes(base64.b64decode(data))
    return str(path)


async def _run(bench: Bench, scenarios: Sequence[str]) -> None:
    await bench.set_up()
    try:
        if set(scenarios) - {"watch"}:
            await bench.create()
        for name, scenario in (
            ("get", bench.get),
            ("list", bench.list_all),
            ("label", bench.list_labelled),
            ("watch", bench.watch),
        ):
            if name in scenarios:
                await scenario()
        now = usage(bench.pid)
        if now is not None:
            bench.rows.append(Row("server's memory", 0, 0.0, None, now.resident_bytes / 1e6))
    finally:
        await bench.clean_up()


def _print_table(bench: Bench) -> None:
    print(f"{'work':<32}{'count':>8}{'per s':>10}{'CPU ms each':>13}{'per CPU s':>11}{'MB':>9}  note")
    for row in bench.rows:
        rate = f"{row.count / row.seconds:.0f}" if row.seconds else ""
        each = f"{row.cpu_seconds / row.count * 1000:.3f}" if row.cpu_seconds and row.count else ""
        per_cpu = f"{row.count / row.cpu_seconds:.0f}" if row.cpu_seconds else ""
        print(
            f"{row.name:<32}{row.count or '':>8}{rate:>10}{each:>13}{per_cpu:>11}"
            f"{f'{row.megabytes:.0f}' if row.megabytes else '':>9}  {row.note}"
        )


if __name__ == "__main__":
    sys.exit(main())
