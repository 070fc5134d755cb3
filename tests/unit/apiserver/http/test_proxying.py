"""Where a proxied request goes, and what of it."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict
from yarl import URL

from apimachinery.errors import BadRequest, InternalError, NotFound, ServiceUnavailable
from apimachinery.objects import Object
from apiserver.http.special.passedon import passed_on
from apiserver.http.special.proxying import (
    endpoint,
    first_port,
    is_proxyable,
    port_number,
    stream_parameters,
    target,
)
from apiserver.http.special.tunnel import parse_head, refusal, request_head


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("web", ("http", "web", "")),
        ("web:80", ("http", "web", "80")),
        ("https:web:443", ("https", "web", "443")),
        (":web:http", ("http", "web", "http")),
    ],
)
def test_targets(text: str, meant: tuple[str, str, str]) -> None:
    assert target(text) == meant


def test_bad_targets() -> None:
    with pytest.raises(BadRequest):
        target("ftp:web:21")


SERVICE: Object = {"metadata": {"name": "s"}, "spec": {"ports": [{"name": "http", "port": 80}]}}
ENDPOINTS: Object = {"subsets": [{"addresses": [{"ip": "10.1.1.1"}], "ports": [{"name": "http", "port": 8080}]}]}


@pytest.mark.parametrize("wanted", ["", "http", "80"])
def test_a_service_stands_for_its_endpoints(wanted: str) -> None:
    assert endpoint(SERVICE, ENDPOINTS, wanted) == ("10.1.1.1", 8080)


def test_a_service_without_endpoints_or_port() -> None:
    with pytest.raises(ServiceUnavailable, match='no endpoints available for service "s"'):
        endpoint(SERVICE, {}, "http")
    with pytest.raises(ServiceUnavailable, match="no service port"):
        endpoint(SERVICE, ENDPOINTS, "81")


def test_the_port_of_a_pod() -> None:
    assert first_port({"spec": {"containers": [{}, {"ports": [{"containerPort": 8080}]}]}}) == 8080
    assert first_port({"spec": {"containers": [{}]}}) == 80


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "no address"])
def test_pods_do_not_reach_the_servers_own_machine(address: str) -> None:
    assert not is_proxyable(address)
    assert is_proxyable("10.244.0.7") and is_proxyable("fd00::7")


def test_streams() -> None:
    assert stream_parameters({"stdin": ["true"], "tty": ["1"], "stderr": ["false"]}) == [("input", "1"), ("tty", "1")]
    with pytest.raises(BadRequest):
        stream_parameters({"tty": ["true"]})


def test_credentials_stay_here() -> None:
    secrets = ("Authorization", "Proxy-Authorization", "Impersonate-User", "Impersonate-Extra-a", "X-Remote-User")
    token = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
    headers = [(name, "x") for name in secrets]
    headers += [("Host", "api"), ("Sec-WebSocket-Protocol", f"{token}, v4.channel.k8s.io"), ("X-Mine", "1")]
    headers += [("X-Mine", "2"), ("Connection", "X-Mine, Upgrade"), ("Upgrade", "websocket")]
    kept = [("Sec-WebSocket-Protocol", "v4.channel.k8s.io"), ("X-Mine", "1"), ("X-Mine", "2")]
    assert list(passed_on(headers).items()) == kept
    assert list(passed_on(headers, upgrade=True).items()) == [
        *kept, ("Connection", "Upgrade"), ("Upgrade", "websocket"),
    ]  # fmt: skip
    assert not passed_on([("Sec-WebSocket-Protocol", token)])


def test_heads_of_upgraded_connections() -> None:
    url = URL("https://n:10250/exec/a?b=c")
    headers = CIMultiDict({"Upgrade": "SPDY/3.1", "Accept-Encoding": "gzip", "X-Remote-User": "\u0436"})
    head = "POST /exec/a?b=c HTTP/1.1\r\nHost: n:10250\r\nUpgrade: SPDY/3.1\r\nX-Remote-User: \u0436\r\n\r\n"
    assert request_head("POST", url, headers) == head.encode()
    for end in ("\r\n", "\n", "\0"):
        with pytest.raises(InternalError, match="invalid header field value"):
            request_head("GET", url, CIMultiDict({"X-Remote-User": f"eve{end}X-Remote-Group: system:masters"}))


def test_answers_of_the_other_side() -> None:
    assert parse_head(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n") == (403, {"content-length": "3"})
    with pytest.raises(ValueError, match="no HTTP answer"):
        parse_head(b"SSH-2.0\r\n\r\n")
    assert isinstance(refusal(404, "no container"), NotFound)
    assert isinstance(refusal(502, ""), InternalError)


def test_ports_of_targets() -> None:
    assert [port_number(text) for text in ("", "http", "²", "80", "65535")] == [None, None, None, 80, 65535]
    for text in ("65536", "9" * 5000):
        with pytest.raises(BadRequest, match="invalid port"):
            port_number(text)
