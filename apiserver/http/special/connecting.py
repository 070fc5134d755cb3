"""Admission of CONNECT: exec, attach, port-forward and proxy, whose options stand in the place of an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from apimachinery.objects import Object
from apiserver.http.call import Call
from apiserver.http.request_info import Query, is_true
from apiserver.registry.context import Admission

#: (resource, subresource) -> the kind of its options
_KINDS: Final[Mapping[tuple[str, str], str]] = {
    ("pods", "exec"): "PodExecOptions",
    ("pods", "attach"): "PodAttachOptions",
    ("pods", "portforward"): "PodPortForwardOptions",
    ("pods", "proxy"): "PodProxyOptions",
    ("services", "proxy"): "ServiceProxyOptions",
    ("nodes", "proxy"): "NodeProxyOptions",
}
_STREAMS: Final = ("stdin", "stdout", "stderr", "tty")


async def admit_connection(call: Call, admission: Admission) -> None:
    """Ask admission about a connection before it is made; raises ApiError."""
    attributes = replace(call.attributes, verb="connect")
    options = options_of(call.info.resource, call.info.subresource, call.query, call.info.rest)
    await admission.admit(attributes, options, None)
    call.warnings += await admission.validate(attributes, options, None)


def options_of(resource: str, subresource: str, query: Query, rest: str) -> Object:
    """The options that the query says, as the object that admission sees. Pure."""
    options: Object = {"kind": _KINDS[resource, subresource], "apiVersion": "v1"}
    if subresource == "proxy":
        return {**options, "path": rest} if rest else options
    if subresource == "portforward":
        ports = [int(port) for text in query.get("ports", ()) for port in text.split(",") if port.isdigit()]
        return {**options, "ports": ports} if ports else options
    options |= {name: True for name in _STREAMS if is_true(query, name)}
    if container := query.get("container", [""])[0]:
        options["container"] = container
    if subresource == "exec" and query.get("command"):
        options["command"] = list(query["command"])
    return options
