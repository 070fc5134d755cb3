"""What pods are given while the API server does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import pytest

from apimachinery.errors import ApiError, Forbidden, NotFound, ServiceUnavailable
from apimachinery.objects import Object, format_time
from client.rest import RestClient
from kubelet.pod_resources import ApiPodResources
from tests.unit.client.virtualtime import run_virtual

T = TypeVar("T")
POD: Object = {"metadata": {"name": "web", "namespace": "a", "uid": "u1"}, "spec": {}}
OTHER: Object = {"metadata": {"name": "other", "namespace": "a", "uid": "u2"}, "spec": {}}
START = datetime(2026, 1, 1, tzinfo=UTC)
AWAY = ServiceUnavailable("the server does not answer")


class Server:
    """Answers every get and every request for a token with `answer`, or raises it."""

    def __init__(self, answer: Object | ApiError) -> None:
        self.answer = answer
        self.silent = False

    async def get(self, *_: Any) -> Object:
        if self.silent:
            await asyncio.sleep(30)
        if isinstance(self.answer, ApiError):
            raise self.answer
        return self.answer

    async def create(self, *_: Any, **__: Any) -> Object:
        return await self.get()


def resources(server: Server) -> ApiPodResources:
    return ApiPodResources(cast(RestClient, server))


def run(call: Awaitable[T]) -> T:
    async def main() -> T:
        return await call

    return asyncio.run(main())


def token(text: str, until: int) -> Object:
    """A server's answer: a token that ends so many seconds after the start."""
    return {"status": {"token": text, "expirationTimestamp": format_time(START + timedelta(seconds=until))}}


@pytest.mark.parametrize("kind", ["config_map", "secret"])
def test_what_a_pod_was_given_is_given_again_while_the_server_is_away(kind: str) -> None:
    server = Server({"data": {"a": "1"}})
    get = getattr(given := resources(server), kind)
    assert run(get(POD, "settings")) == {"data": {"a": "1"}}
    server.answer = AWAY
    assert run(get(POD, "settings")) == {"data": {"a": "1"}}
    for pod, name in ((OTHER, "settings"), (POD, "more")):
        with pytest.raises(ServiceUnavailable):
            run(get(pod, name))
    server.answer = {"data": {"a": "2"}}
    assert run(get(POD, "settings")) == {"data": {"a": "2"}}
    server.answer = AWAY
    given.forget("u1")
    with pytest.raises(ServiceUnavailable):
        run(get(POD, "settings"))


def test_what_a_pod_that_runs_will_need_is_read_ahead() -> None:
    server = Server({"data": {"a": "1"}})
    given = resources(server)
    settings = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
    password = {"env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "password", "key": "p"}}}]}
    run(given.read_ahead(POD | {"spec": {"initContainers": [settings], "containers": [password]}}))
    server.answer = AWAY
    run(given.read_ahead(POD | {"spec": {"containers": [settings]}}))
    assert run(given.config_map(POD, "settings")) == run(given.secret(POD, "password")) == {"data": {"a": "1"}}


def test_what_is_known_is_given_when_the_server_says_nothing() -> None:
    async def scenario() -> float:
        server = Server({"data": {}})
        given = resources(server)
        await given.config_map(POD, "settings")
        server.silent = True
        assert await given.config_map(POD, "settings") == {"data": {}}
        return asyncio.get_running_loop().time()

    assert run_virtual(scenario()) < 5


@pytest.mark.parametrize("refusal", [NotFound("gone"), Forbidden("no longer")])
def test_what_the_server_refuses_is_not_given_again(refusal: ApiError) -> None:
    server = Server({"data": {}})
    given = resources(server)
    run(given.secret(POD, "password"))
    for answer in (refusal, AWAY):
        server.answer = answer
        with pytest.raises(type(answer)):
            run(given.secret(POD, "password"))


def test_a_token_that_cannot_be_renewed_is_used_to_its_end() -> None:
    clock = [START.timestamp()]
    server = Server(token("first", until=3600))
    given = ApiPodResources(cast(RestClient, server), clock=lambda: clock[0])

    def at(seconds: float) -> str:
        clock[0] = START.timestamp() + seconds
        return run(given.service_account_token(POD, "", 3600))

    assert at(0) == "first"
    server.answer = AWAY
    assert at(2000) == at(3599) == "first"
    with pytest.raises(ServiceUnavailable):
        at(3601)
    server.answer = token("second", until=7200)
    assert at(3602) == "second"
    server.answer = Forbidden("no longer")
    with pytest.raises(Forbidden):
        at(7000)
