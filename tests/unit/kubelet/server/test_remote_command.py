"""What is said of commands and terminals."""

from __future__ import annotations

import pytest

from kubelet.server.remote_command import exit_status, failure, terminal_size


def test_how_a_command_ended() -> None:
    assert exit_status(0) == {"metadata": {}, "status": "Success"}
    status = exit_status(3)
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"] == {"causes": [{"reason": "ExitCode", "message": "3"}]}
    assert failure("no")["message"] == "no"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b'{"Width":80,"Height":24}', (80, 24)),
        (b'{"Width":0,"Height":24}', None),
        (b'{"Width":80}', None),
        (b"oops", None),
        (b"[]", None),
    ],
)
def test_terminal_sizes(data: bytes, size: tuple[int, int] | None) -> None:
    assert terminal_size(data) == size
