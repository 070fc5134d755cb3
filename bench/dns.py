"""How many questions kube-dns answers: names asked again and again, names asked once, names that are not there.

`python -m bench.dns` starts a server of its own on loopback with a zone in memory, and asks it over one socket with so
many questions under way. One core serves and another asks: figures of a machine with fewer say less."""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import resource
import socket
import struct
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

import dnslib
import uvloop

from dns.clients import PRIVATE_NETWORKS, ClientFilter
from dns.responder import Responder
from dns.tcp import TcpServer
from dns.udp import UdpServer
from dns.upstream.forwarder import Forwarder, ForwardSettings
from dns.zone.lookup import Lookup
from dns.zone.model import Endpoint, Port, ServiceRecords
from dns.zone.zone import Zone


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="bench.dns", description=__doc__)
    parser.add_argument("--services", type=int, default=1000, help="half of them headless")
    parser.add_argument("--endpoints", type=int, default=10, help="per service")
    parser.add_argument("--window", type=int, default=32, help="questions under way")
    parser.add_argument("--seconds", type=float, default=3.0, help="per kind of question")
    options = parser.parse_args(argv)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(options.services, options.endpoints, theirs))
    process.start()
    address = ("127.0.0.1", ours.recv())
    chooser = random.Random(1)

    def service(kind: str) -> str:
        return f"{kind}-{chooser.randrange(options.services // 2)}.default.svc.cluster.local"

    kinds: list[tuple[str, Callable[[], tuple[str, str]]]] = [
        ("cluster IP", lambda: (service("web"), "A")),
        (f"headless, {options.endpoints} addresses", lambda: (service("db"), "A")),
        ("SRV of a headless service", lambda: (f"_http._tcp.{service('db')}", "SRV")),
        ("no such name, each once", lambda: (f"x{chooser.getrandbits(60)}.default.svc.cluster.local", "A")),
    ]
    print(f"{'question':<28}{'answers/s':>12}{'p50':>10}{'p99':>10}{'CPU each':>12}")
    for title, question in kinds:
        ours.send("usage")
        before = ours.recv()
        count, times = _ask(address, question, options.window, options.seconds)
        ours.send("usage")
        cpu = (ours.recv() - before) / max(1, count)
        times.sort()
        middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
        rate = count / options.seconds
        print(f"{title:<28}{rate:>12,.0f}{middle * 1000:>7.2f} ms{late * 1000:>7.2f} ms{cpu * 1e6:>9.0f} us")
    ours.send("stop")
    print(f"memory of the server, peak  {ours.recv() // 1024} MB")
    process.join()
    return 0


def _ask(
    address: tuple[str, int], question: Callable[[], tuple[str, str]], window: int, seconds: float
) -> tuple[int, list[float]]:
    """How many answers came, and how long each took."""
    prepared = [bytes(dnslib.DNSRecord.question(*question()).pack()) for _ in range(20_000)]
    sent: dict[int, float] = {}
    times: list[float] = []
    number = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(2.0)

        def send() -> None:
            nonlocal number
            number += 1
            sent[number & 0xFFFF] = time.perf_counter()
            sock.send(struct.pack("!H", number & 0xFFFF) + prepared[number % len(prepared)][2:])

        ends = time.perf_counter() + seconds
        for _ in range(window):
            send()
        while time.perf_counter() < ends:
            answer = sock.recv(4096)
            times.append(time.perf_counter() - sent.pop(answer[0] << 8 | answer[1]))
            send()
    return len(times), times


def _serve(services: int, endpoints: int, parent: Connection) -> None:
    uvloop.run(_run(_zone(services, endpoints), parent))


async def _run(zone: Zone, parent: Connection) -> None:
    responder = Responder(Lookup(zone), Forwarder(ForwardSettings()), ttl_seconds=30, synced=lambda: True)
    clients = ClientFilter(PRIVATE_NETWORKS)
    udp = UdpServer(responder, clients, server="dns://:53", max_waiting=1000)
    tcp = TcpServer(responder, clients, server="dns://:53")
    port = await udp.listen("127.0.0.1", 0)
    await tcp.listen("127.0.0.1", port)
    parent.send(port)
    while await asyncio.to_thread(parent.recv) == "usage":
        used = resource.getrusage(resource.RUSAGE_SELF)
        parent.send(used.ru_utime + used.ru_stime)
    await udp.close()
    await tcp.close()
    parent.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _zone(services: int, endpoints: int) -> Zone:
    zone = Zone("cluster.local")
    zone.put_namespace("default", present=True, now=1)
    port = Port("http", "tcp", 80)
    for number in range(services // 2):
        backends = tuple(
            Endpoint(f"10.244.{number % 250}.{one}", f"h-{one}", (port,)) for one in range(1, endpoints + 1)
        )
        web = ServiceRecords("default", f"web-{number}", (f"10.96.{number // 250}.{number % 250}",), (port,),
                             endpoints=backends)  # fmt: skip
        db = ServiceRecords("default", f"db-{number}", headless=True, endpoints=backends)
        for found in (web, db):
            zone.put_service(found.key, found, now=1)
    return zone


if __name__ == "__main__":
    raise SystemExit(main())
