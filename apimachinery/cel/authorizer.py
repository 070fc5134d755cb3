"""Asking, in an expression, whether someone may do something (k8s.io/apiserver/pkg/cel/library/authz.go).

`authorizer.group("apps").resource("deployments").namespace("default").check("create").allowed()`: each step makes a
message that knows a bit more. Whom `check` asks is said for the time of one evaluation by `asking`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

PACKAGE: Final = "kubernetes.authorization"
AUTHORIZER: Final = f"{PACKAGE}.Authorizer"
RESOURCE_CHECK: Final = f"{PACKAGE}.ResourceCheck"
_WHO: Final = ("account_namespace", "account_name")
_MESSAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "Authorizer": _WHO,
    "PathCheck": (*_WHO, "path"),
    "GroupCheck": (*_WHO, "group"),
    "ResourceCheck": (*_WHO, "group", "resource", "subresource", "namespace", "name"),
    "Decision": ("allowed", "reason"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question. `account` is (namespace, name) of a service account, or None for the request's own user."""

    verb: str
    account: tuple[str, str] | None = None
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


#: Whether it is allowed, and why.
Ask = Callable[[Check], tuple[bool, str]]
_asked: ContextVar[Ask] = ContextVar("asked")


@contextmanager
def asking(ask: Ask) -> Iterator[None]:
    """Answer the checks of what is evaluated inside."""
    token = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(token)


def authorizer(**request: str) -> Any:
    """The variable `authorizer`; `request` says group, resource, subresource, namespace and name of its
    requestResource."""
    return _class_of("Authorizer")(requestResource=_class_of("ResourceCheck")(**request))


def add_messages(pool: Any) -> None:
    """Declare the messages to a pool."""
    from google.protobuf import descriptor_pb2

    file = descriptor_pb2.FileDescriptorProto(name="kubernetes/authorization.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for index, field in enumerate(fields):
            kind = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
            if field == "allowed":
                kind = descriptor_pb2.FieldDescriptorProto.TYPE_BOOL
            message.field.add(name=field, number=index + 1, type=kind, label=1)
        if name == "Authorizer":
            number = len(fields) + 1
            message.field.add(name="requestResource", number=number, type=11, type_name=f".{RESOURCE_CHECK}", label=1)
    pool.AddSerializedFile(file.SerializeToString())


@lru_cache(maxsize=8)
def _class_of(name: str) -> Any:
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@lru_cache(maxsize=1)
def _pool() -> Any:
    from google.protobuf import descriptor_pool

    pool = descriptor_pool.DescriptorPool()
    add_messages(pool)
    return pool


def _next(name: str, former: Any, **more: str) -> Any:
    """A message with what the former one knows, and more."""
    known = {field: getattr(former, field) for field in _MESSAGES[name] if hasattr(former, field)}
    return _class_of(name)(**{**known, **more})


_QUESTION: Final = ("path", "group", "resource", "subresource", "namespace", "name")


def _check(message: Any, verb: str) -> Any:
    fields = {field: getattr(message, field) for field in _QUESTION if hasattr(message, field)}
    account = (message.account_namespace, message.account_name) if message.account_name else None
    allowed, reason = _asked.get()(Check(verb=verb, account=account, **fields))
    return _class_of("Decision")(allowed=allowed, reason=reason)


def _moves(target: str, field: str, *sources: str) -> Callable[[Any, Any], Any]:
    """The function from one of these messages to the target with a further field."""

    def made(message: Any, value: Any) -> Any:
        if _name_of(message) not in sources or value.__class__ is not str:
            raise ValueError("no such overload")
        return _next(target, message, **{field: value})

    return made


def _account(message: Any, namespace: Any, name: Any) -> Any:
    if _name_of(message) != "Authorizer":
        raise ValueError("no such overload")
    return _next("Authorizer", message, account_namespace=namespace, account_name=name)


def _of_decision(field: str) -> Callable[[Any], Any]:
    def found(message: Any) -> Any:
        if _name_of(message) != "Decision":
            raise ValueError("no such overload")
        return getattr(message, field)

    return found


def _asked_of(message: Any, verb: Any) -> Any:
    if _name_of(message) not in ("PathCheck", "ResourceCheck") or verb.__class__ is not str:
        raise ValueError("no such overload")
    return _check(message, verb)


def _name_of(message: Any) -> str:
    descriptor = getattr(message, "DESCRIPTOR", None)
    return str(descriptor.name) if descriptor is not None else ""


#: What evaluates the functions; each raises ValueError.
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "path": _moves("PathCheck", "path", "Authorizer"),
    "group": _moves("GroupCheck", "group", "Authorizer"),
    "resource": _moves("ResourceCheck", "resource", "GroupCheck"),
    "subresource": _moves("ResourceCheck", "subresource", "ResourceCheck"),
    "namespace": _moves("ResourceCheck", "namespace", "ResourceCheck"),
    "name": _moves("ResourceCheck", "name", "ResourceCheck"),
    "serviceAccount": _account,
    "check": _asked_of,
    "allowed": _of_decision("allowed"),
    "reason": _of_decision("reason"),
}


def declarations(cel: Any) -> list[Any]:
    """The functions, as the library wants them declared."""
    text = cel.Type.STRING
    types = {name: cel.Type(f"{PACKAGE}.{name}") for name in _MESSAGES}

    def member(function: str, target: Any, source: str, *parameters: Any) -> Any:
        overload = cel.Overload(f"{source}_{function}", target, [types[source], *parameters], is_member=True)
        return cel.FunctionDecl(function, [overload])

    # One overload for checks of paths and of resources: which of both it is, is seen when it is evaluated.
    asked = cel.Overload("check", types["Decision"], [cel.Type.DYN, text], is_member=True)
    return [
        member("path", types["PathCheck"], "Authorizer", text),
        member("group", types["GroupCheck"], "Authorizer", text),
        member("resource", types["ResourceCheck"], "GroupCheck", text),
        member("subresource", types["ResourceCheck"], "ResourceCheck", text),
        member("namespace", types["ResourceCheck"], "ResourceCheck", text),
        member("name", types["ResourceCheck"], "ResourceCheck", text),
        member("serviceAccount", types["Authorizer"], "Authorizer", text, text),
        cel.FunctionDecl("check", [asked]),
        member("allowed", cel.Type.BOOL, "Decision"),
        member("reason", text, "Decision"),
    ]
