"""The library that checks CEL (cel-cpp), loaded with the first expression, and Kubernetes' functions declared to it.

It evaluates nothing (`evaluation` does): functions are declared without what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from apimachinery.cel import authorizer

#: The type of what url() makes. Abstract types cannot be passed as values: it is a message.
URL: Final = "kubernetes.URL"
_WELL_KNOWN: Final = ("any", "duration", "empty", "struct", "timestamp", "wrappers")


@dataclass(frozen=True, slots=True)
class Library:
    """The loaded modules."""

    cel: Any
    extensions: Sequence[Any]  #: Kubernetes' functions and the strings extension of v1.28


@lru_cache(maxsize=1)
def load() -> Library:
    """Load it once."""
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_strings

    declared = cel.CelExtension("kubernetes", _declarations(cel))
    authorization = cel.CelExtension("authorization", authorizer.declarations(cel))
    return Library(cel, (ext_strings.ExtStrings(0), declared, authorization))


def new_pool() -> Any:
    """A pool of message types that has what the language itself knows, and those of Kubernetes' functions."""
    from google.protobuf import (
        any_pb2,
        descriptor_pb2,
        descriptor_pool,
        duration_pb2,
        empty_pb2,
        struct_pb2,
        timestamp_pb2,
        wrappers_pb2,
    )

    pool = descriptor_pool.DescriptorPool()
    for module in (any_pb2, duration_pb2, empty_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="kubernetes/url.proto", package="kubernetes", syntax="proto3")
    message = file.message_type.add(name="URL")
    message.field.add(
        name="text",
        number=1,
        type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
        label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
    )
    pool.AddSerializedFile(file.SerializeToString())
    authorizer.add_messages(pool)
    return pool


def _declarations(cel: Any) -> list[Any]:
    kind, of = cel.Type, cel.Type.List
    anything, text, number, truth = kind.DYN, kind.STRING, kind.INT, kind.BOOL
    items, texts, url = of(anything), of(text), kind(URL)
    ordered = (number, kind.UINT, kind.DOUBLE, truth, text, kind.BYTES, kind.DURATION, kind.TIMESTAMP)

    def member(name: str, result: Any, *parameters: list[Any]) -> Any:
        overloads = [
            cel.Overload(f"{name}_{index}", result, wanted, is_member=True) for index, wanted in enumerate(parameters)
        ]
        return cel.FunctionDecl(name, overloads)

    def of_list(name: str, elements: Sequence[Any], result: Any = None) -> Any:
        overloads = [
            cel.Overload(f"{name}_{each.name()}", result or each, [of(each)], is_member=True) for each in elements
        ]
        return cel.FunctionDecl(name, overloads)

    def plain(name: str, result: Any, parameters: list[Any]) -> Any:
        return cel.FunctionDecl(name, [cel.Overload(name, result, parameters)])

    return [
        of_list("isSorted", ordered, truth),
        of_list("sum", (number, kind.UINT, kind.DOUBLE, kind.DURATION)),
        of_list("min", ordered),
        of_list("max", ordered),
        member("indexOf", number, [items, anything]),
        member("lastIndexOf", number, [items, anything]),
        member("find", text, [text, text]),
        member("findAll", texts, [text, text], [text, text, number]),
        member("join", text, [items], [items, text]),
        plain("url", url, [text]),
        plain("isURL", truth, [text]),
        member("getScheme", text, [url]),
        member("getHost", text, [url]),
        member("getHostname", text, [url]),
        member("getPort", text, [url]),
        member("getEscapedPath", text, [url]),
        member("getQuery", kind.Map(text, texts), [url]),
    ]
