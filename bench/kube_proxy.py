"""How fast kube-proxy programs a node: the first sync of many services, and one change among them.

`python -m bench.kube_proxy` (as root) makes a network namespace of its own: the host's rules are neither counted nor
touched."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

import uvloop

from apimachinery.objects import Object
from component.iptables import Iptables
from proxy.conntrack import KernelFlowCleaner
from proxy.proxier import Proxier
from proxy.rules.model import NodeSettings
from proxy.sources import LocalSource

_INSIDE = "BENCH_PROXY_INSIDE"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="bench.kube_proxy", description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=10, help="per service")
    parser.add_argument("--changes", type=int, default=20, help="single changes to take the median of")
    options = parser.parse_args(argv)
    if not os.environ.get(_INSIDE):
        unshare = shutil.which("unshare") or "unshare"
        command = [
            unshare,
            "-n",
            sys.executable,
            "-m",
            "bench.kube_proxy",
            *(argv if argv is not None else sys.argv[1:]),
        ]
        return subprocess.run(command, env={**os.environ, _INSIDE: "1"}, check=False).returncode
    return uvloop.run(_measure(options.services, options.endpoints, options.changes))


async def _measure(services: int, endpoints: int, changes: int) -> int:
    service_source, slice_source = LocalSource(), LocalSource()
    proxier = Proxier(
        services=service_source,
        endpoint_slices=slice_source,
        packet_filter=Iptables(),
        flows=KernelFlowCleaner(),
        node=NodeSettings(cluster_cidr="10.244.0.0/16"),
        node_name="bench",
    )
    for number in range(services):
        service_source.put(_service(number))
        slice_source.put(_slice(number, endpoints))
    first = await _timed(proxier)
    times = []
    for number in range(changes):
        # One endpoint of one service goes, and with the next round comes back.
        slice_source.put(_slice(7, endpoints - 1 + number % 2))
        times.append(await _timed(proxier))
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"services x endpoints        {services} x {endpoints}")
    print(f"first sync                  {first:.2f} s")
    print(f"one endpoint changed        {sorted(times)[len(times) // 2] * 1000:.0f} ms (median of {changes})")
    print(f"CPU of the proxy            {own.ru_utime + own.ru_stime:.2f} s")
    print(f"CPU of iptables             {children.ru_utime + children.ru_stime:.2f} s")
    print(f"memory of the proxy, peak   {own.ru_maxrss // 1024} MB")
    return 0


async def _timed(proxier: Proxier) -> float:
    started = time.perf_counter()
    await proxier.sync()
    return time.perf_counter() - started


def _service(number: int) -> Object:
    cluster_ip = f"10.96.{number // 250}.{number % 250 + 1}"
    return {
        "metadata": {"name": f"service-{number}", "namespace": "bench"},
        "spec": {"clusterIP": cluster_ip, "clusterIPs": [cluster_ip], "ports": [{"port": 80, "protocol": "TCP"}]},
    }


def _slice(number: int, endpoints: int) -> Object:
    name = f"service-{number}"
    labels = {"kubernetes.io/service-name": name}
    return {
        "metadata": {"name": f"{name}-abcde", "namespace": "bench", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"port": 8080, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [f"10.244.{number // 20}.{number % 20 * 12 + index + 1}"], "conditions": {"ready": True}}
            for index in range(endpoints)
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
