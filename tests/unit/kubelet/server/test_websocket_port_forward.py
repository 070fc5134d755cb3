"""Which ports a port-forward over WebSocket asks for."""

from __future__ import annotations

import pytest

from kubelet.server.websocket_port_forward import ports_of


def test_ports_are_lists_and_may_come_again() -> None:
    assert ports_of(["80,443", "8080"]) == [80, 443, 8080]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], 'query parameter "port" is required'),
        ([""], 'query parameter "port" cannot be empty'),
        (["80,x"], 'unable to parse "80,x" as a port: "x" is none'),
        (["65536"], 'unable to parse "65536" as a port: "65536" is none'),
        (["-1"], 'unable to parse "-1" as a port: "-1" is none'),
        (["\u00b2"], 'unable to parse "\u00b2" as a port: "\u00b2" is none'),
        (["0"], 'port "0" must be > 0'),
        ([",".join(["1"] * 101)], "no more than 100 ports can be forwarded at once"),
    ],
)
def test_others_are_refused(given: list[str], told: str) -> None:
    with pytest.raises(ValueError, match="^" + told.replace("(", "\\(")):
        ports_of(given)
