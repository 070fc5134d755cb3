"""Where metrics come from: the groups metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io, which other
servers answer through the API server. All values are given in thousandths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote

from apimachinery import quantity
from apimachinery.duration import parse_duration
from apimachinery.errors import ApiError
from apimachinery.meta import Resource
from apimachinery.objects import Object, name_of, namespace_of, parse_time
from client.rest import RestClient
from controller.discovery import document
from controller.horizontalpodautoscaler.replicas import NoAnswer, Sample

_POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
_CUSTOM = "custom.metrics.k8s.io"
_EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"
_USUAL_WINDOW = timedelta(minutes=1)


class Metrics:
    """The three APIs. Every method raises NoAnswer."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    async def resource(self, resource: str, namespace: str, selector: str, container: str = "") -> dict[str, Sample]:
        """What the selected pods (or one container of each) use, by the pod's name."""
        found = {}
        with _asking("resource"):
            listed = await self._client.list(_POD_METRICS, namespace, label_selector=selector)
            for item in _items(listed, "resource"):
                value = _usage(item, resource, container)
                if value is not None:
                    window = timedelta(seconds=parse_duration(item["window"]))
                    found[name_of(item)] = Sample(value, parse_time(item["timestamp"]), window)
        return found

    async def pods(self, metric: str, namespace: str, selector: str, metric_selector: str) -> dict[str, Sample]:
        """A custom metric of the selected pods, by the pod's name."""
        with _asking("custom"):
            items = await self._custom(f"namespaces/{namespace}/pods/*/{quote(metric)}", selector, metric_selector)
            return {
                item["describedObject"]["name"]: Sample(_milli(item), parse_time(item["timestamp"]), _window(item))
                for item in items
            }

    async def object(self, metric: str, namespace: str, target: Resource, name: str, metric_selector: str) -> int:
        """A custom metric of one object."""
        if target.group_resource == "namespaces":
            path = f"namespaces/{namespace}/metrics/{quote(metric)}"
        else:
            path = f"namespaces/{namespace}/{target.group_resource}/{name}/{quote(metric)}"
        with _asking("custom"):
            return _milli((await self._custom(path, "", metric_selector))[0])

    async def external(self, metric: str, namespace: str, selector: str) -> int:
        """The sum of an external metric's values."""
        params = {"labelSelector": selector} if selector else None
        with _asking("external"):
            listed = await document(self._client, f"{_EXTERNAL}/namespaces/{namespace}/{quote(metric)}", params)
            return sum(_milli(item) for item in _items(listed, "external"))

    async def _custom(self, path: str, selector: str, metric_selector: str) -> list[Object]:
        params = {
            name: text for name, text in (("labelSelector", selector), ("metricLabelSelector", metric_selector)) if text
        }
        group = await document(self._client, f"/apis/{_CUSTOM}")
        version = group["preferredVersion"]["groupVersion"]
        return _items(await document(self._client, f"/apis/{version}/{path}", params), "custom")


@contextmanager
def _asking(api: str) -> Iterator[None]:
    """Failures, and answers that are no metrics, as NoAnswer."""
    try:
        yield
    except ApiError as error:
        raise NoAnswer(f"unable to fetch metrics from {api} metrics API: {error.message}") from error
    except (KeyError, TypeError, ValueError) as error:
        what = f"the answer has no {error}" if isinstance(error, KeyError) else str(error)
        raise NoAnswer(f"unable to fetch metrics from {api} metrics API: {what}") from error


def _items(listed: Object, api: str) -> list[Object]:
    items: list[Object] = listed["items"]
    if not items:
        raise NoAnswer(f"no metrics returned from {api} metrics API")
    return items


def _usage(item: Object, resource: str, container: str) -> int | None:
    """The sum over the containers (or the one named) of a PodMetrics; None where one lacks the resource."""
    containers = item.get("containers") or []
    if container:
        containers = [one for one in containers if one["name"] == container]
        if not containers:
            where = f"{namespace_of(item)}/{name_of(item)}"
            raise NoAnswer(
                f"failed to get container metrics: container {container} not present in metrics for pod {where}"
            )
    values: list[str] = [one["usage"][resource] for one in containers if resource in (one.get("usage") or {})]
    if not values or len(values) < len(containers):
        return None
    return sum(quantity.parse(value).milli_value() for value in values)


def _milli(item: Object) -> int:
    return quantity.parse(item["value"]).milli_value()


def _window(item: Object) -> timedelta:
    seconds = item.get("windowSeconds")
    return _USUAL_WINDOW if seconds is None else timedelta(seconds=seconds)
