"""The library behind CEL (cel-cpp), loaded with the first expression, and Kubernetes' functions declared to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from apimachinery.cel import authorizer, functions

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


@lru_cache(maxsize=1)
def _url_class() -> Any:
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(new_pool().FindMessageTypeByName(URL))


def _made_url(text: str) -> Any:
    functions.parse_url(text)
    return _url_class()(text=text)


def _declarations(cel: Any) -> list[Any]:
    kind, of = cel.Type, cel.Type.List
    anything, text, number, truth = kind.DYN, kind.STRING, kind.INT, kind.BOOL
    items, texts, url = of(anything), of(text), kind(URL)

    def member(name: str, result: Any, parameters: list[Any], made: Any, *more: tuple[Any, list[Any], Any]) -> Any:
        overloads = [(result, parameters, made), *more]
        return cel.FunctionDecl(
            name,
            [
                cel.Overload(f"{name}_{index}", given, wanted, is_member=True, impl=does)
                for index, (given, wanted, does) in enumerate(overloads)
            ],
        )

    def plain(name: str, result: Any, parameters: list[Any], made: Any) -> Any:
        return cel.FunctionDecl(name, [cel.Overload(name, result, parameters, impl=made)])

    return [
        member("isSorted", truth, [items], functions.is_sorted),
        member("sum", anything, [items], functions.total),
        member("min", anything, [items], functions.least),
        member("max", anything, [items], functions.greatest),
        member("indexOf", number, [items, anything], functions.index_of),
        member("lastIndexOf", number, [items, anything], functions.last_index_of),
        member("find", text, [text, text], functions.find),
        member(
            "findAll",
            texts,
            [text, text],
            functions.find_all,
            (texts, [text, text, number], functions.find_all),
        ),
        member("join", text, [items], "".join, (text, [items, text], lambda parts, between: between.join(parts))),
        plain("url", url, [text], _made_url),
        plain("isURL", truth, [text], functions.is_url),
        member("getScheme", text, [url], lambda found: functions.parse_url(found.text).scheme),
        member("getHost", text, [url], lambda found: functions.host(found.text)),
        member("getHostname", text, [url], lambda found: functions.hostname(found.text)),
        member("getPort", text, [url], lambda found: functions.port(found.text)),
        member("getEscapedPath", text, [url], lambda found: functions.parse_url(found.text).path),
        member("getQuery", kind.Map(text, texts), [url], lambda found: functions.query(found.text)),
    ]
