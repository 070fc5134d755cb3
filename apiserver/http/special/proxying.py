"""exec, attach, port-forward, and the proxy subresources of nodes, pods and services: requests passed on."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import web
from yarl import URL

from apimachinery import errors
from apimachinery.errors import BadRequest
from apimachinery.objects import Object, name_of, namespace_of
from apiserver.http.call import Call
from apiserver.http.request_info import Query, is_true
from apiserver.http.special.kubelets import Kubelets
from apiserver.http.special.podlog import choose_container
from apiserver.http.special.tunnel import is_upgrade, upgrade
from apiserver.registry import reading
from apiserver.registry.served import Served

#: The client's stream parameters and what the kubelet calls them.
_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
_HOP_BY_HOP = frozenset(
    {"authorization", "connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Connections:
    """Handlers of everything that goes on to another server."""

    def __init__(self, pods: Served, services: Served, endpoints: Served, kubelets: Kubelets) -> None:
        self._pods = pods
        self._services = services
        self._endpoints = endpoints
        self._kubelets = kubelets

    async def exec(self, call: Call) -> web.StreamResponse:
        """Run a command in a container; raises BadRequest where it is not asked as a stream."""
        commands = [("command", command) for command in call.query.get("command", ())]
        return await self._in_container(call, "exec", commands)

    async def attach(self, call: Call) -> web.StreamResponse:
        """The streams of a running container."""
        return await self._in_container(call, "attach", [])

    async def _in_container(self, call: Call, action: str, more: list[tuple[str, str]]) -> web.StreamResponse:
        pod = await self._running_pod(call)
        container = choose_container(pod, call.query.get("container", [""])[0])
        parameters = [*stream_parameters(call.query), *more]
        path = f"/{action}/{quote(namespace_of(pod))}/{quote(name_of(pod))}/{quote(container)}?{urlencode(parameters)}"
        return await self._to_kubelet(call, pod, path)

    async def portforward(self, call: Call) -> web.StreamResponse:
        """Connections to ports of a pod."""
        pod = await self._running_pod(call)
        ports = urlencode([("port", port) for port in call.query.get("ports", ())])
        path = f"/portForward/{quote(namespace_of(pod))}/{quote(name_of(pod))}" + (f"?{ports}" if ports else "")
        return await self._to_kubelet(call, pod, path)

    async def _running_pod(self, call: Call) -> Object:
        pod = (await reading.get(self._pods, call.info.namespace, call.info.name)).obj
        if not (pod.get("spec") or {}).get("nodeName"):
            raise BadRequest(f"pod {name_of(pod)} does not have a host assigned")
        return pod

    async def _to_kubelet(self, call: Call, pod: Object, path: str) -> web.StreamResponse:
        if not is_upgrade(call.request):
            raise BadRequest("Upgrade request required")
        url = self._kubelets.url(pod["spec"]["nodeName"], path)
        return await upgrade(call, url, self._kubelets.ssl_context)

    async def node(self, call: Call) -> web.StreamResponse:
        """A request to a node's kubelet."""
        name, _, port = call.info.name.removeprefix("https:").partition(":")
        url = self._kubelets.url(name, _path_and_query(call))
        return await self._pass_on(call, url.with_port(int(port)) if port.isdigit() else url)

    async def pod(self, call: Call) -> web.StreamResponse:
        """A request to a port of a pod."""
        scheme, name, port = target(call.info.name)
        pod = (await reading.get(self._pods, call.info.namespace, name)).obj
        address = (pod.get("status") or {}).get("podIP")
        if not address:
            raise BadRequest(f"address not allowed: pod {name} has no IP")
        number = int(port) if port.isdigit() else first_port(pod)
        return await self._pass_on(call, _url(scheme, address, number, _path_and_query(call)))

    async def service(self, call: Call) -> web.StreamResponse:
        """A request to one of a service's endpoints."""
        scheme, name, port = target(call.info.name)
        service = (await reading.get(self._services, call.info.namespace, name)).obj
        found = self._endpoints.store.cached(call.info.namespace, name)
        address, number = endpoint(service, found.obj if found else {}, port)
        return await self._pass_on(call, _url(scheme, address, number, _path_and_query(call)))

    async def _pass_on(self, call: Call, url: URL) -> web.StreamResponse:
        if is_upgrade(call.request):
            return await upgrade(call, url, self._kubelets.ssl_context if url.scheme == "https" else None)
        headers = {name: value for name, value in call.request.headers.items() if name.lower() not in _HOP_BY_HOP}
        body = call.request.content if call.request.body_exists else None
        context: ssl.SSLContext | bool = self._kubelets.ssl_context if url.scheme == "https" else True
        try:
            async with self._kubelets.session.request(
                call.request.method, url, headers=headers, data=body, ssl=context, allow_redirects=False
            ) as answer:
                return await copy_answer(call, answer)
        except aiohttp.ClientError as error:
            raise errors.ServiceUnavailable(f"error trying to reach service: {error}") from error


async def copy_answer(call: Call, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Another server's answer as it comes, piece by piece; the connection is cut where it breaks off in the middle."""
    response = web.StreamResponse(status=answer.status)
    for name, value in answer.headers.items():
        if name.lower() not in _HOP_BY_HOP:
            response.headers.add(name, value)
    await response.prepare(call.request)
    if call.trail is not None:
        await call.trail.started(response.status)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except aiohttp.ClientError:
        if call.request.transport is not None:
            call.request.transport.close()
        raise asyncio.CancelledError from None  # the missing end tells the client
    await response.write_eof()
    return response


def _path_and_query(call: Call) -> str:
    _, mark, query = call.request.raw_path.partition("?")
    return quote(call.info.rest or "/", safe="/:@!$&'()*+,;=~") + mark + query


def _url(scheme: str, host: str, port: int, path: str) -> URL:
    return URL(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}", encoded=True)


def stream_parameters(query: Query) -> list[tuple[str, str]]:
    """The streams that are asked for, in the kubelet's words; raises BadRequest for none. Pure."""
    asked = [(theirs, "1") for ours, theirs in _STREAMS if is_true(query, ours)]
    if not any(name != "tty" for name, _ in asked):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return asked


def target(text: str) -> tuple[str, str, str]:
    """Scheme, name and port ("" where none is said) of "name", "name:port" or "scheme:name:port". Pure."""
    parts = text.split(":")
    if len(parts) == 1:
        return "http", parts[0], ""
    if len(parts) == 2:
        return "http", parts[0], parts[1]
    if len(parts) == 3 and parts[0] in ("", "http", "https"):
        return parts[0] or "http", parts[1], parts[2]
    raise BadRequest(f'invalid request "{text}"')


def first_port(pod: Object) -> int:
    """The first port that a container declares; 80 where there is none. Pure."""
    for container in (pod.get("spec") or {}).get("containers") or ():
        for port in container.get("ports") or ():
            return int(port["containerPort"])
    return 80


def endpoint(service: Object, endpoints: Object, wanted: str) -> tuple[str, int]:
    """An address and port behind a service's port, by name or number; raises ServiceUnavailable. Pure."""
    ports: list[Object] = (service.get("spec") or {}).get("ports") or []
    chosen = next((port for port in ports if wanted in (port.get("name"), str(port.get("port")))), None)
    if chosen is None and not wanted and len(ports) == 1:
        chosen = ports[0]
    if chosen is None:
        known = ", ".join(sorted(str(port.get("name") or port.get("port")) for port in ports))
        raise errors.ServiceUnavailable(f'no service port "{wanted}" found for service "{name_of(service)}" ({known})')
    for subset in endpoints.get("subsets") or ():
        for port in subset.get("ports") or ():
            if (port.get("name") or "") == (chosen.get("name") or "") and subset.get("addresses"):
                return subset["addresses"][0]["ip"], int(port["port"])
    raise errors.ServiceUnavailable(f'no endpoints available for service "{name_of(service)}"')
