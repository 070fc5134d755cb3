"""Docker's descriptions of containers, and what the kernel says of their cgroups."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kubelet.plan import names
from kubelet.runtime.cgroups import CgroupPaths, parse_proc_cgroup
from kubelet.runtime.pause_image import UnknownMachine, pause_archive, pause_program
from kubelet.runtime.records import parse_time, record_of, shown_image_id

CREATED = "2026-01-01T00:00:00.123456789Z"
ZERO = "0001-01-01T00:00:00Z"


def info(state: dict[str, Any], name: str = "/k8s_c_p_ns_u1_3", **labels: str) -> dict[str, Any]:
    base = {"Running": False, "StartedAt": ZERO, "FinishedAt": ZERO, "ExitCode": 0, "Status": "created"}
    config = {"Labels": {names.CONTAINER_NAME: "c", names.POD_UID: "u1", **labels}, "Image": "nginx:latest"}
    return {"Id": "i", "Name": name, "Created": CREATED, "State": {**base, **state}, "Config": config}


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ({}, ("created", "", 0)),
        ({"Running": True, "StartedAt": CREATED}, ("running", "", 0)),
        ({"StartedAt": CREATED, "FinishedAt": CREATED, "Status": "exited"}, ("exited", "Completed", 0)),
        ({"FinishedAt": CREATED, "ExitCode": 3, "Status": "exited"}, ("exited", "Error", 3)),
        ({"FinishedAt": CREATED, "ExitCode": 137, "OOMKilled": True}, ("exited", "OOMKilled", 137)),
        ({"ExitCode": 127, "Error": "no such file"}, ("exited", "ContainerCannotRun", 127)),
        ({"Status": "dead"}, ("unknown", "", 0)),
    ],
)
def test_states(state: dict[str, Any], wanted: tuple[str, str, int]) -> None:
    record = record_of(info(state), "docker://x")
    assert (record.state, record.reason, record.exit_code) == wanted
    assert record.attempt == 3


def test_a_container_that_cannot_start_says_why_and_when() -> None:
    record = record_of(info({"ExitCode": 127, "Error": "no such file"}), "docker://x")
    assert record.message == "no such file"
    assert record.finished_at == record.created_at == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)


def test_the_restart_count_label_goes_before_the_name() -> None:
    assert record_of(info({}, **{names.RESTART_COUNT: "5"}), "x").attempt == 5


def test_times_and_image_ids() -> None:
    assert parse_time(ZERO) is None
    assert parse_time("") is None
    assert shown_image_id("sha256:1", ["nginx@sha256:2"]) == "docker-pullable://nginx@sha256:2"
    assert shown_image_id("sha256:1", ()) == "docker://sha256:1"


def test_cgroup_paths() -> None:
    mixed = "9:name=systemd:/docker/x\n4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/system.slice\n"
    assert parse_proc_cgroup(mixed) == CgroupPaths("/docker/x", "/docker/x", "/system.slice")
    assert parse_proc_cgroup("0::/a:b\n") == CgroupPaths("", "", "/a:b")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_pause_program_is_an_executable_of_its_machine(machine: str) -> None:
    program = pause_program(machine)
    assert program[:4] == b"\x7fELF"
    assert int.from_bytes(program[18:20], "little") == {"x86_64": 62, "aarch64": 183}[machine]
    assert len(program) < 400
    assert program in pause_archive(machine)


def test_no_pause_program_for_other_machines(tmp_path: Path) -> None:
    with pytest.raises(UnknownMachine, match="s390x"):
        pause_program("s390x")
