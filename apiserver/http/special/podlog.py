"""GET pods/NAME/log: checked against the pod, then streamed from its kubelet; over WebSocket where the client asks."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import web

from apimachinery import errors
from apimachinery import fielderrors as fe
from apimachinery.errors import BadRequest
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of, namespace_of
from apiserver.http.call import Call
from apiserver.http.params import integer
from apiserver.http.reply import TEXT
from apiserver.http.request_info import Query, first, is_true
from apiserver.http.special.kubelets import Kubelets
from apiserver.http.websockets import accept, is_websocket
from apiserver.registry import reading
from apiserver.registry.served import Served

_CHUNK_BYTES = 64 << 10
_BINARY, _BASE64 = "binary.k8s.io", "base64.binary.k8s.io"
_FLAGS = ("follow", "previous", "timestamps")
_NUMBERS = ("sinceSeconds", "tailLines", "limitBytes")
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class PodLogs:
    """Logs of containers."""

    def __init__(self, pods: Served, kubelets: Kubelets) -> None:
        self._pods = pods
        self._kubelets = kubelets

    async def get(self, call: Call) -> web.StreamResponse:
        """Stream the log; raises BadRequest where there is none to have."""
        parameters = log_parameters(call.query)
        pod = (await reading.get(self._pods, call.info.namespace, call.info.name)).obj
        container = choose_container(pod, first(call.query, "container"))
        node = (pod.get("spec") or {}).get("nodeName")
        if not node:
            return web.Response(status=204)
        path = f"/containerLogs/{quote(namespace_of(pod))}/{quote(name_of(pod))}/{quote(container)}"
        url = self._kubelets.url(node, f"{path}?{urlencode(parameters)}" if parameters else path)
        try:
            async with self._kubelets.session.get(url) as answer:
                if answer.status != 200:
                    raise _refused(answer.status, (await answer.text()).strip(), container, name_of(pod))
                return await (_frames if is_websocket(call.request) else _stream)(call, answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, ConnectionError) and not isinstance(error, aiohttp.ClientError):
                raise
            raise errors.InternalError(f'Get "{url}": {error}') from error


def _refused(status: int, text: str, container: str, pod: str) -> errors.ApiError:
    if status == 400:
        return BadRequest(text)
    if status == 404:
        return errors.NotFound(text or f'container "{container}" in pod "{pod}" is not available')
    return errors.InternalError(text or f"kubelet answered {status}")


async def _stream(call: Call, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": TEXT, "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    if call.trail is not None:
        await call.trail.started(response.status)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except aiohttp.ClientError:
        # The kubelet went away in the middle: what was sent stands, and the missing end tells the client so.
        if call.request.transport is not None:
            call.request.transport.close()
        raise asyncio.CancelledError from None
    await response.write_eof()
    return response


async def _frames(call: Call, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """The log in messages: binary ones, or base64 texts for the subprotocol that says so."""
    socket = await accept(call, (_BINARY, _BASE64), _CHUNK_BYTES)
    sending = asyncio.create_task(_send(socket, answer), name="websocket-log")
    leaving = asyncio.create_task(_until_left(socket), name="websocket-log-reader")
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    except (ConnectionError, aiohttp.ClientError):
        pass  # one of the two has gone: the connection's end tells the other
    finally:
        await _cancelled(sending, leaving)
        await socket.close()
    return socket


async def _send(socket: web.WebSocketResponse, answer: aiohttp.ClientResponse) -> None:
    async for chunk in answer.content.iter_any():
        if socket.ws_protocol == _BASE64:
            await socket.send_str(base64.b64encode(chunk).decode())
        else:
            await socket.send_bytes(chunk)


async def _until_left(socket: web.WebSocketResponse) -> None:
    """Nothing is expected from the client but its going."""
    async for _ in socket:
        pass


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def log_parameters(query: Query) -> dict[str, str]:
    """PodLogOptions as the kubelet takes them; raises Invalid, BadRequest. Pure."""
    parameters = {name: "true" for name in _FLAGS if is_true(query, name)}
    problems: list[FieldError] = []
    for name in _NUMBERS:
        number = integer(query, name)
        if number is None:
            continue
        minimum = 0 if name == "tailLines" else 1
        if number < minimum:
            why = f"must be greater than {'or equal to ' if not minimum else ''}0"
            problems.append(fe.invalid(name, number, why))
        parameters[name] = str(number)
    if since := first(query, "sinceTime"):
        if "sinceSeconds" in parameters:
            problems.append(
                fe.forbidden("sinceSeconds", "at most one of `sinceTime` or `sinceSeconds` may be specified")
            )
        parameters["sinceTime"] = since
    if problems:
        raise errors.invalid("", "PodLogOptions", "", problems)
    return parameters


def choose_container(pod: Object, wanted: str) -> str:
    """The container meant; raises BadRequest where it is absent or not unique. Pure."""
    spec = pod.get("spec") or {}
    regular = [container["name"] for container in spec.get("containers") or ()]
    init = [container["name"] for container in spec.get("initContainers") or ()]
    ephemeral = [container["name"] for container in spec.get("ephemeralContainers") or ()]
    if wanted:
        if wanted in (*regular, *init, *ephemeral):
            return wanted
        raise BadRequest(f"container {wanted} is not valid for pod {name_of(pod)}")
    if len(regular) == 1:
        return str(regular[0])
    preferred = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if preferred in (*regular, *init, *ephemeral):
        return str(preferred)
    text = f"a container name must be specified for pod {name_of(pod)}, choose one of: [{' '.join(regular)}]"
    if init:
        text += f" or one of the init containers: [{' '.join(init)}]"
    raise BadRequest(text)
