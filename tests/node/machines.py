"""Several nodes for a test: network namespaces plugged into switches, each with a process that keeps its pod network.

The calling thread's namespace is the router: switch 1 has 192.168.1.0/24, switch 2 192.168.2.0/24."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.node.lab import Lab, run

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Machine:
    """A node: its namespace is that of the process `pid`."""

    name: str
    address: str
    pod_cidr: str
    pid: int
    state_dir: Path
    agent: asyncio.subprocess.Process | None = field(default=None)

    def node(self) -> dict[str, Any]:
        """Its Node object, as far as the network looks."""
        return {
            "metadata": {"name": self.name},
            "spec": {"podCIDR": self.pod_cidr},
            "status": {"addresses": [{"type": "InternalIP", "address": self.address}]},
        }

    async def ask(self, *line: Any) -> Any:
        """Tell the node's process something; its answer."""
        assert self.agent is not None
        assert self.agent.stdin is not None
        assert self.agent.stdout is not None
        self.agent.stdin.write(json.dumps(line).encode() + b"\n")
        async with asyncio.timeout(20):
            answer = json.loads(await self.agent.stdout.readline())
        assert "error" not in answer, answer
        return answer["value"]

    async def kill(self) -> None:
        """kill -9 of the node's process."""
        if self.agent is not None:
            self.agent.kill()
            await self.agent.communicate()
            self.agent = None


class Machines:
    """Makes machines and ends their processes."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self._lab = lab
        self._directory = directory
        self.all: list[Machine] = []
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        for switch in (1, 2):
            run("ip", "link", "add", f"switch{switch}", "type", "bridge")
            run("ip", "addr", "add", f"192.168.{switch}.254/24", "dev", f"switch{switch}")
            run("ip", "link", "set", f"switch{switch}", "up")

    def add(self, name: str, address: str, pod_cidr: str, mtu: int = 1500) -> Machine:
        """A machine on the switch of its address, pods not yet possible."""
        pid, switch = self._lab.sandbox(), address.split(".")[2]
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        run("ip", "link", "set", name, "master", f"switch{switch}", "up")
        self._lab.inside(pid, "ip", "link", "set", "lo", "up")
        self._lab.inside(pid, "ip", "link", "set", "eth0", "mtu", str(mtu), "up")
        self._lab.inside(pid, "iptables", "-P", "FORWARD", "DROP")  # as Docker does
        machine = Machine(name, "", pod_cidr, pid, self._directory / name)
        self.readdress(machine, address)
        self.all.append(machine)
        return machine

    def readdress(self, machine: Machine, address: str) -> None:
        """Give it this address and no other."""
        machine.address = address
        switch = address.split(".")[2]
        self._lab.inside(machine.pid, "ip", "addr", "flush", "dev", "eth0")
        self._lab.inside(machine.pid, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self._lab.inside(machine.pid, "ip", "route", "replace", "default", "via", f"192.168.{switch}.254")

    async def start(self, machine: Machine, backend: str) -> None:
        """Start its pod network (again)."""
        await machine.kill()
        machine.agent = await asyncio.create_subprocess_exec(
            "nsenter", "-n", "-t", str(machine.pid),
            sys.executable, "-m", "tests.node.network_agent", str(machine.state_dir), backend, machine.address,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY,
        )  # fmt: skip
        await machine.ask("start", machine.pod_cidr)

    async def start_all(self, backend: str) -> None:
        """Start every machine's, and let them know each other."""
        await asyncio.gather(*(self.start(machine, backend) for machine in self.all))
        await self.tell()

    async def tell(self) -> dict[str, list[str]]:
        """Every node gets to know all Node objects of now; by name of node, whom it cannot reach."""
        nodes = [machine.node() for machine in self.all]
        return {machine.name: await machine.ask("nodes", machine.name, nodes) for machine in self.all}

    async def pod(self, machine: Machine, name: str) -> tuple[int, str]:
        """A pod there: the pid of its sandbox, its address."""
        pid = self._lab.sandbox()
        return pid, await machine.ask("attach", name, pid)

    async def close(self) -> None:
        """End the processes; the namespaces go with the lab."""
        for machine in self.all:
            await machine.kill()
