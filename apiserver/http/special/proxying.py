"""exec, attach, port-forward, and the proxy subresources of nodes, pods and services: requests passed on."""

from __future__ import annotations

import re
import ssl
from ipaddress import ip_address
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import web
from yarl import URL

from apimachinery import errors
from apimachinery.errors import BadRequest
from apimachinery.objects import Object, name_of, namespace_of
from apiserver.http.call import Call
from apiserver.http.request_info import Query, is_true
from apiserver.http.special.connecting import admit_connection
from apiserver.http.special.kubelets import Kubelets
from apiserver.http.special.passedon import passed_on
from apiserver.http.special.podlog import choose_container
from apiserver.http.special.proxied import linked_answer
from apiserver.http.special.tunnel import is_upgrade, upgrade
from apiserver.registry import reading
from apiserver.registry.served import Served
from component import tlscontext

#: The client's stream parameters and what the kubelet calls them.
_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
_DIGITS = re.compile("[0-9]+")
_LAST_PORT, _PORT_DIGITS = 65_535, 5


class Connections:
    """Handlers of everything that goes on to another server."""

    def __init__(self, pods: Served, services: Served, endpoints: Served, kubelets: Kubelets) -> None:
        self._pods = pods
        self._services = services
        self._endpoints = endpoints
        self._kubelets = kubelets
        self._unverified = tlscontext.unverified()

    async def exec(self, call: Call) -> web.StreamResponse:
        """Run a command in a container; raises BadRequest where it is not asked as a stream."""
        await admit_connection(call, self._pods.admission)
        commands = [("command", command) for command in call.query.get("command", ())]
        return await self._in_container(call, "exec", commands)

    async def attach(self, call: Call) -> web.StreamResponse:
        """The streams of a running container."""
        await admit_connection(call, self._pods.admission)
        return await self._in_container(call, "attach", [])

    async def _in_container(self, call: Call, action: str, more: list[tuple[str, str]]) -> web.StreamResponse:
        pod = await self._running_pod(call)
        container = choose_container(pod, call.query.get("container", [""])[0])
        parameters = [*stream_parameters(call.query), *more]
        path = f"/{action}/{quote(namespace_of(pod))}/{quote(name_of(pod))}/{quote(container)}?{urlencode(parameters)}"
        return await self._to_kubelet(call, pod, path)

    async def portforward(self, call: Call) -> web.StreamResponse:
        """Connections to ports of a pod."""
        await admit_connection(call, self._pods.admission)
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
        await admit_connection(call, self._pods.admission)
        name, _, port = call.info.name.removeprefix("https:").partition(":")
        url = self._kubelets.url(name, _path_and_query(call))
        number = port_number(port)
        url = url.with_port(number) if number is not None else url
        return await self._pass_on(call, url, self._kubelets.ssl_context)

    async def pod(self, call: Call) -> web.StreamResponse:
        """A request to a port of a pod."""
        await admit_connection(call, self._pods.admission)
        scheme, name, port = target(call.info.name)
        pod = (await reading.get(self._pods, call.info.namespace, name)).obj
        address = (pod.get("status") or {}).get("podIP")
        if not address or not is_proxyable(address):
            raise BadRequest("address not allowed")
        number = port_number(port)
        number = first_port(pod) if number is None else number
        return await self._pass_on(call, _url(scheme, address, number, _path_and_query(call)))

    async def service(self, call: Call) -> web.StreamResponse:
        """A request to one of a service's endpoints."""
        await admit_connection(call, self._pods.admission)
        scheme, name, port = target(call.info.name)
        service = (await reading.get(self._services, call.info.namespace, name)).obj
        found = self._endpoints.store.cached(call.info.namespace, name)
        address, number = endpoint(service, found.obj if found else {}, port)
        return await self._pass_on(call, _url(scheme, address, number, _path_and_query(call)))

    async def _pass_on(self, call: Call, url: URL, context: ssl.SSLContext | None = None) -> web.StreamResponse:
        """`context` is for kubelets; of a pod's certificate nothing is known, so that it is not checked."""
        context = context or self._unverified
        if is_upgrade(call.request):
            return await upgrade(call, url, context if url.scheme == "https" else None)
        if _lacks_slash(call):
            return _moved(call)
        prefix = call.request.path.removesuffix(call.info.rest)
        headers = passed_on(call.request.headers.items())
        headers["X-Forwarded-Uri"] = call.request.path
        body = call.request.content if call.request.body_exists else None
        try:
            async with self._kubelets.session.request(
                call.request.method, url, headers=headers, data=body, ssl=context, allow_redirects=False
            ) as answer:
                return await linked_answer(call, answer, prefix)
        except aiohttp.ClientError as error:
            raise errors.ServiceUnavailable(f"error trying to reach service: {error}") from error


def _lacks_slash(call: Call) -> bool:
    """Whether nothing follows `proxy`, not even a slash, against which relative links could be resolved."""
    return call.info.rest in ("", "/") and not call.request.path.endswith("/")


def _moved(call: Call) -> web.Response:
    _, mark, query = call.request.raw_path.partition("?")
    return web.Response(status=301, headers={"Location": f"{call.request.path}/{mark}{query}"})


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


def port_number(text: str) -> int | None:
    """The port, where a number is said; raises BadRequest for one that is none. Pure."""
    if not _DIGITS.fullmatch(text):
        return None
    if len(text) > _PORT_DIGITS or int(text) > _LAST_PORT:
        raise BadRequest(f'invalid port "{text}"')
    return int(text)


def is_proxyable(address: str) -> bool:
    """Whether a pod may claim that address: not one that is the API server's own machine to it. Pure."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return not (ip.is_loopback or ip.is_link_local or ip.is_unspecified)


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
