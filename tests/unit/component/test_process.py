"""The life of a daemon, each in a process of its own: exit codes, signals, dead tasks, systemd's socket."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

_PROGRAM = """
import asyncio, sys
from component.logs import LogOptions
from component.process import FatalError, Process, run_process

async def serve(options, process):
    {body}

sys.exit(run_process(serve, LogOptions, [], name="prog", description="Does things."))
"""
_SECONDS = 20.0


async def start(body: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM.format(body=body.replace("\n", "\n    ")),
        env={"PYTHONPATH": ".", **environment},
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def outcome(process: asyncio.subprocess.Process) -> tuple[int, str]:
    _, errors = await asyncio.wait_for(process.communicate(), _SECONDS)
    assert process.returncode is not None
    return process.returncode, errors.decode()


async def test_returning_is_success() -> None:
    code, _ = await outcome(await start("return"))
    assert code == 0


async def test_a_fatal_error_is_one_line() -> None:
    code, errors = await outcome(await start('raise FatalError("etcd is not there")'))
    assert code == 1
    assert errors.splitlines()[-1].endswith('F component.process msg="etcd is not there"')
    assert "traceback" not in errors


async def test_a_background_task_that_dies_ends_the_process() -> None:
    body = (
        'async def die(): raise ValueError("boom")\nprocess.spawn("dier", die())\n'
        'try:\n    await asyncio.sleep(60)\nfinally:\n    print("cleaned up", file=sys.stderr)'
    )
    code, errors = await outcome(await start(body))
    assert code == 1
    assert "boom" in errors
    assert "dier" in errors
    assert "cleaned up" in errors


async def test_a_signal_lets_serve_clean_up(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.setblocking(False)
        body = (
            'process.ready("all is well")\nprocess.status("better still")\ntry:\n    await asyncio.sleep(60)\n'
            'finally:\n    print("cleaned up", process.stopping.is_set(), file=sys.stderr)'
        )
        process = await start(body, NOTIFY_SOCKET=str(path))
        loop = asyncio.get_running_loop()
        told = await asyncio.wait_for(loop.sock_recv(notify, 1000), _SECONDS)
        assert told == b"READY=1\nSTATUS=all is well"
        assert await asyncio.wait_for(loop.sock_recv(notify, 1000), _SECONDS) == b"STATUS=better still"
        process.send_signal(signal.SIGTERM)
        code, errors = await outcome(process)
        assert code == 0
        assert "cleaned up True" in errors
        assert await asyncio.wait_for(loop.sock_recv(notify, 1000), _SECONDS) == b"STOPPING=1"


async def test_connections_that_are_cut_at_the_end_are_no_errors() -> None:
    body = (
        "def tell(**more):\n    error = RuntimeError('the handler is closed')\n"
        "    asyncio.get_running_loop().call_exception_handler({'message': 'Fatal', 'exception': error, **more})\n"
        "os.kill(os.getpid(), signal.SIGTERM)\nawait process.stopping.wait()\n"
        "tell(transport='t')\ntell(message='a bug')"
    )
    code, errors = await outcome(await start(f"import os, signal\n{body}"))
    assert code == 0
    assert "Fatal" not in errors
    assert "a bug" in errors


async def test_a_port_in_use_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, errors = await outcome(await start(f'await process.serve_health("127.0.0.1", {port})'))
    assert code == 1
    assert f'msg="failed to listen on 127.0.0.1:{port}: address already in use"' in errors


async def test_a_thread_that_hangs_does_not_hold_the_exit() -> None:
    body = (
        "import component.process, threading\ncomponent.process._EXIT_SECONDS = 0.2\n"
        "asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)\nawait asyncio.sleep(0.1)"
    )
    code, errors = await outcome(await start(body))
    assert code == 0
    assert "threads are still at work" in errors
