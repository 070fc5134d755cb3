"""The OpenAPI v2 document and the v3 documents per group and version, as JSON values. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.kind import Kind
from apimachinery.objects import Object
from apimachinery.schema.loader import Schemas
from apiserver.crd import openapi as custom
from apiserver.openapi import describing
from apiserver.openapi.definitions import GVK, V2_PREFIX, V3_PREFIX, definitions, reachable
from apiserver.openapi.paths import Operation, operations, parameter_type

_JSON_AND_YAML = ["application/json", "application/yaml"]
_TITLE = "Kubernetes"
_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"


def v2(schemas: Schemas, kinds: Iterable[Kind], version: str) -> Object:
    """The whole API in one document."""
    paths: dict[str, Object] = {}
    kinds = tuple(kinds)
    for operation in operations(kinds, schemas.kinds | custom.names_of(kinds)):
        paths.setdefault(operation.path, {})[operation.method] = _v2_operation(operation)
    return {
        "swagger": "2.0",
        "info": {"title": _TITLE, "version": version},
        "paths": paths,
        "definitions": {
            **definitions(schemas, schemas.names, V2_PREFIX, describing.load()),
            **custom.definitions(kinds, V2_PREFIX, v2=True),
        },
    }


def _v2_operation(operation: Operation) -> Object:
    parameters: list[Object] = [
        {"name": name, "in": "path", "required": True, "type": "string"} for name in operation.path_parameters
    ]
    parameters += [{"name": name, "in": "query", "type": parameter_type(name)} for name in operation.parameters]
    if body := _body(operation):
        parameters.append({"name": "body", "in": "body", "required": True, "schema": {"$ref": V2_PREFIX + body}})
    answer: Object = {"description": "OK"}
    if operation.answer:
        answer["schema"] = {"$ref": V2_PREFIX + operation.answer}
    made: Object = {
        "operationId": operation.operation_id,
        "produces": _JSON_AND_YAML,
        "parameters": parameters,
        "responses": {"200": answer},
        "x-kubernetes-action": operation.action,
        GVK: operation.kind,
    }
    if operation.consumes:
        made["consumes"] = list(operation.consumes)
    return made


def _body(operation: Operation) -> str:
    return _DELETE_OPTIONS if operation.method == "delete" else operation.body


def v3(schemas: Schemas, kinds: Iterable[Kind], group: str, version: str, server_version: str) -> Object:
    """The document of one group and version."""
    mine = [kind for kind in kinds if (kind.resource.group, kind.resource.version) == (group, version)]
    paths: dict[str, Object] = {}
    roots = {_DELETE_OPTIONS, _STATUS}
    made = custom.definitions(mine, V3_PREFIX, v2=False)
    if made:
        roots |= {custom.OBJECT_META, custom.LIST_META}
    for operation in operations(mine, schemas.kinds | custom.names_of(mine)):
        paths.setdefault(operation.path, {})[operation.method] = _v3_operation(operation)
        roots.update(name for name in (operation.body, operation.answer) if name and name not in made)
    built_in = definitions(schemas, reachable(schemas, roots), V3_PREFIX, describing.load())
    return {
        "openapi": "3.0.0",
        "info": {"title": _TITLE, "version": server_version},
        "paths": paths,
        "components": {"schemas": {**built_in, **made}},
    }


def _v3_operation(operation: Operation) -> Object:
    parameters: list[Object] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in operation.path_parameters
    ]
    parameters += [
        {"name": name, "in": "query", "schema": {"type": parameter_type(name)}} for name in operation.parameters
    ]
    answer: Object = {"description": "OK"}
    if operation.answer:
        answer["content"] = _content(operation.answer, _JSON_AND_YAML)
    made: Object = {
        "operationId": operation.operation_id,
        "parameters": parameters,
        "responses": {"200": answer},
        "x-kubernetes-action": operation.action,
        GVK: operation.kind,
    }
    if body := _body(operation):
        made["requestBody"] = {"content": _content(body, operation.consumes)}
    return made


def _content(name: str, media_types: Iterable[str]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": V3_PREFIX + name}} for media_type in media_types}
