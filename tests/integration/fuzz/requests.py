"""Fuzzed requests on the operations that the server's own OpenAPI v3 documents describe.

Pure: all chance is `Random`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from tests.integration.fuzz.bodies import Bodies
from tests.integration.fuzz.seeds import SEEDS

NAMESPACE = "fuzz"
_NAMES = ("a", "b", "c", "d.example.com", "fuzz-e")
_BAD_NAMES = ("A", "..", "x" * 260, "a b", "ü", "%2e", "-", "system:x", "a/b", "kube-system")
_SELECTORS = (
    "",
    "a",
    "a=b",
    "a!=b",
    "a in (b,c)",
    "a notin (b)",
    "!a",
    "a>1",
    "a<x",
    "a in b",
    ",",
    "a=b=c",
    "=",
    "ü=ü",
    "a in (",
    "x" * 400,
)
_FIELDS = (
    "",
    "metadata.name=a",
    "metadata.namespace!=fuzz",
    "status.phase=Running",
    "spec.nodeName=",
    "type=x",
    "a.b.c=1",
    "metadata.name",
    "=",
    "\\",
)
_VERSIONS = ("", "0", "1", "5", "-1", "x", "1.5", "9" * 40)  # one of the future is waited for, and then a 504
_TEXTS = (
    "",
    "a",
    "All",
    "x" * 200,
    "ü",
    "a\nb",
    "Strict",
    "Warn",
    "Ignore",
    "Foreground",
    "Orphan",
    "Background",
    "true",
    "0",
)
_NUMBERS = ("0", "1", "5", "-1", "x", "", "99999999999999999999", "1.5")
_ACCEPTS = (
    "application/json", "application/json", "application/json", "*/*", "", "application/yaml", "text/html",
    "application/cbor",
    "application/json;as=Table;g=meta.k8s.io;v=v1,application/json", "application/json;as=Table;g=meta.k8s.io;v=v9",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "application/vnd.kubernetes.protobuf", ";;;,",
    "a/b;q=x",
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
)  # fmt: skip
_CONTENT_TYPES = (
    "application/json",
    "application/yaml",
    "",
    "text/plain",
    "application/vnd.kubernetes.protobuf",
    "a;b;c",
    "application/json; charset=x",
)
_PATCH_TYPES = (
    "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)  # fmt: skip
#: Long-running, or answered by a kubelet that does not exist here: they time out by design.
#: It would take away the definition of the custom resources that are fuzzed, and these in the background.
_LEFT_OUT_METHODS = {("delete", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")}
_LEFT_OUT = ("/proxy", "/exec", "/attach", "/portforward", "/log", "/watch/")
_DIRECTIVES = ("$patch", "$retainKeys", "$setElementOrder/a", "$deleteFromPrimitiveList/finalizers")
#: Only tried, never kept: a webhook that cannot be called fails every later write with a 500.
_DRY = ("webhookconfigurations",)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    method: str
    path: str  #: with its query, percent-encoded
    headers: dict[str, str]
    body: bytes | None


@dataclass(frozen=True)
class Operation:
    """One method on one path of a document."""

    method: str
    path: str
    parameters: tuple[str, ...]
    schema: Mapping[str, Any]  #: of the object, {} where there is none
    key: str  #: into SEEDS
    bodies: Bodies = field(repr=False)


def operations(documents: Mapping[str, Any], random: Random) -> list[Operation]:
    """What the documents describe, in a stable order."""
    found: list[Operation] = []
    for name in sorted(documents):
        document = documents[name]
        schemas = document["components"]["schemas"]
        bodies = Bodies(schemas, random)
        for path, methods in sorted(document["paths"].items()):
            if any(path.endswith(part) or part in path for part in _LEFT_OUT):
                continue
            for method, described in sorted(methods.items()):
                if (method, path) in _LEFT_OUT_METHODS:
                    continue
                names = tuple(each["name"] for each in described["parameters"] if each["in"] == "query")
                gvk = described["x-kubernetes-group-version-kind"]
                key = "/".join(part for part in (gvk["group"], gvk["version"], gvk["kind"]) if part)
                schema = _object_schema(described, methods)
                found.append(Operation(method.upper(), path, names, schema, key, bodies))
    return found


def _object_schema(described: Mapping[str, Any], methods: Mapping[str, Any]) -> Mapping[str, Any]:
    for candidate in (methods.get("put"), methods.get("post"), described):
        for content in ((candidate or {}).get("requestBody") or {}).get("content", {}).values():
            schema: Mapping[str, Any] = content["schema"]
            return schema
    return {}


def stream(found: list[Operation], random: Random) -> Iterator[Request]:
    """Requests without end: creates come often enough for the others to find objects."""
    creates = [each for each in found if each.method == "POST" and "{name}" not in each.path]
    while True:
        yield _request(random.choice(creates if random.random() < 0.3 else found), random)


def _request(operation: Operation, random: Random) -> Request:
    name = random.choice(_NAMES if random.random() < 0.95 else _BAD_NAMES)
    namespace = NAMESPACE if random.random() < 0.96 else random.choice(("default", "absent", "B A D"))
    path = operation.path.replace("{namespace}", quote(namespace, "")).replace("{name}", quote(name, ""))
    query = urlencode({each: _parameter(each, random) for each in operation.parameters if random.random() < 0.12})
    headers = {"Accept": random.choice(_ACCEPTS)} if random.random() < 0.3 else {"Accept": "application/json"}
    body: bytes | None = None
    if operation.method != "GET" and any(each in path for each in _DRY):
        query = "dryRun=All"
    if operation.method in ("POST", "PUT", "PATCH"):
        content_type, body = _body(operation, name, namespace, random)
        if content_type:
            headers["Content-Type"] = content_type
    elif operation.method == "DELETE" and random.random() < 0.3:
        headers["Content-Type"] = "application/json"
        body = _delete_options(operation, random)
    return Request(operation.method, f"{path}?{query}" if query else path, headers, body)


def _parameter(name: str, random: Random) -> str:
    if name == "watch":
        return random.choice(("0", "false", "x"))  # watches have tests of their own: here each would take a second
    if name == "labelSelector":
        return random.choice(_SELECTORS)
    if name == "fieldSelector":
        return random.choice(_FIELDS)
    if name == "resourceVersion":
        return random.choice(_VERSIONS)
    if name == "resourceVersionMatch":
        return random.choice(("Exact", "NotOlderThan", "x"))
    if name in ("limit", "gracePeriodSeconds", "timeoutSeconds"):
        return random.choice(_NUMBERS)
    if name == "dryRun":
        return random.choice(("All", "All", "", "x"))
    return random.choice(_TEXTS)


def _delete_options(operation: Operation, random: Random) -> bytes:
    if random.random() < 0.2:
        return operation.bodies.garbage()
    options = {
        "gracePeriodSeconds": random.choice((0, 1, -1, "x", None)),
        "propagationPolicy": random.choice(("Background", "Orphan", "Foreground", "x", None)),
        "preconditions": random.choice(({}, {"uid": "x"}, {"resourceVersion": "1"}, None, [])),
        "dryRun": random.choice((["All"], [], ["x"], None, "All")),
    }
    return operation.bodies.encoded({key: options[key] for key in random.sample(sorted(options), random.randint(0, 2))})


def _body(operation: Operation, name: str, namespace: str, random: Random) -> tuple[str, bytes]:
    bodies = operation.bodies
    if random.random() < 0.04:
        return random.choice(_CONTENT_TYPES + _PATCH_TYPES), bodies.garbage()
    whole = _whole(operation, name, namespace, random)
    if operation.method != "PATCH":
        content_type = "application/json" if random.random() < 0.95 else random.choice(_CONTENT_TYPES)
        return content_type, bodies.encoded(whole)
    content_type = random.choice(_PATCH_TYPES)
    if content_type == _PATCH_TYPES[0]:
        return content_type, bodies.encoded(bodies.json_patch(operation.schema))
    if content_type == _PATCH_TYPES[3] or random.random() < 0.3:
        return content_type, bodies.encoded(whole)
    patch = bodies.made(operation.schema) if operation.schema else {}
    if isinstance(patch, dict) and random.random() < 0.3:
        part = random.choice(("metadata", "spec", "status"))
        directive = random.choice(_DIRECTIVES)
        patch[part] = {directive: random.choice(("replace", "delete", "x", [], ["a"], None))}
    return content_type, bodies.encoded(patch)


def _whole(operation: Operation, name: str, namespace: str, random: Random) -> Any:
    group_version, _, kind = operation.key.rpartition("/")
    seed: dict[str, Any] = {"apiVersion": group_version, "kind": kind, "metadata": {"name": name}}
    if "{namespace}" in operation.path:
        seed["metadata"]["namespace"] = namespace
    if random.random() < 0.3:
        seed["metadata"]["labels"] = {"a": "b"}
    seed.update(SEEDS.get(operation.key, {}))
    if operation.key not in SEEDS or random.random() < 0.1:
        made = operation.bodies.made(operation.schema) if operation.schema else {}
        if isinstance(made, dict):
            seed.update(made)
    return operation.bodies.varied(operation.schema, seed) if operation.schema else seed
