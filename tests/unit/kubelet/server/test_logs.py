"""Which log a request means, and who may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kubelet.plan.logs import LogRequest, NoLog, choose_container, parse_request
from kubelet.server.auth import User, subresource_of, user_of_certificate
from tests.unit.kubelet.plan.pods import T0, make_pod, record, seen


def test_queries() -> None:
    query = {"follow": "true", "tailLines": "5", "sinceSeconds": "60", "timestamps": "1", "limitBytes": "10"}
    assert parse_request(query, T0) == LogRequest(
        follow=True, timestamps=True, tail=5, limit_bytes=10, since=T0 - timedelta(seconds=60)
    )
    assert parse_request({"sinceTime": "2026-01-01T00:00:00Z", "tailLines": "0"}, T0) == LogRequest(since=T0, tail=0)


@pytest.mark.parametrize("query", [{"tailLines": "-1"}, {"limitBytes": "0"}, {"sinceSeconds": "0"}, {"tailLines": "x"}])
def test_bad_queries(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must be greater|invalid literal"):
        parse_request(query, T0)


def waiting(reason: str) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "web", "state": {"waiting": {"reason": reason}}}]}


def test_the_newest_container_or_the_one_before() -> None:
    old, new = record("web", "exited", 1, 0), record(attempt=1)
    assert choose_container(make_pod(), seen(old, new), "web", previous=False) is new
    assert choose_container(make_pod(), seen(old, new), "web", previous=True) is old
    looping = make_pod(status=waiting("CrashLoopBackOff"))
    assert choose_container(looping, seen(old), "web", previous=True) is old
    assert choose_container(looping, seen(old), "web", previous=False) is old


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("ContainerCreating", "ContainerCreating"),
        ("ErrImagePull", "image can't be pulled"),
        ("ImagePullBackOff", "trying and failing to pull image"),
    ],
)
def test_a_container_that_has_not_started(reason: str, why: str) -> None:
    with pytest.raises(NoLog) as caught:
        choose_container(make_pod(status=waiting(reason)), seen(), "web", previous=False)
    assert str(caught.value) == f'container "web" in pod "p" is waiting to start: {why}'


def test_there_is_no_previous_one() -> None:
    with pytest.raises(NoLog, match='previous terminated container "web" in pod "p" not found'):
        choose_container(make_pod(), seen(record()), "web", previous=True)


def test_users_of_certificates() -> None:
    subject = ((("organizationName", "system:masters"),), (("commonName", "admin"),))
    assert user_of_certificate({"subject": subject}) == User("admin", ("system:masters", "system:authenticated"))
    assert user_of_certificate({"subject": ()}) is None


@pytest.mark.parametrize(
    ("path", "subresource"),
    [("/containerLogs/a/b/c", "proxy"), ("/stats/summary", "stats"), ("/metrics/resource", "metrics"), ("/", "proxy")],
)
def test_subresources(path: str, subresource: str) -> None:
    assert subresource_of(path) == subresource
