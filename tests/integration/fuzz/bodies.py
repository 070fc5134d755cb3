"""Values for fuzzed request bodies, made from OpenAPI v3 schemas: fitting, broken, and no JSON at all. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from random import Random
from typing import Any

_STRINGS = (
    "", "a", "b", "web", "A b", "TCP", "UDP", "10.0.0.1", "::1", "10.0.0.0/8", "Always", "Never", "In", "Exists",
    "Equal",
    "kubernetes.io/hostname", "x" * 300, "*", "ü\u0000\u200b", "1", "-1", "50%", "http://h/x", "https://h.example.com/x",
    "RollingUpdate", "Recreate", "OnDelete", "v1", "Pod", "*/5 * * * *", "@every 1h", "ClusterIP", "NodePort",
    "LoadBalancer",
    "ExternalName", "None", "..", "../../etc", "$(A)", "Webhook", "NoSchedule", "NoExecute", "metadata.name", "fuzz",
    "image.example.com/a:b@c", "2024-05-01T00:00:00Z", "-", "a/b/c", "1Gi", "Local", "Cluster", "Indexed", "Block",
)  # fmt: skip
_INTEGERS = (0, 1, 2, 80, 443, 8080, 30001, 65535, 65536, -1, 2**31 - 1, 2**31, -(2**31), 2**62, 2**63, 10**30)
_QUANTITIES = ("1", "1Gi", "-1", "0", "100m", "1e3", "1.5", "0.0000000001", "9E", "1e400", "x", "", "1Ki1")
_TIMES = ("2024-05-01T00:00:00Z", "2024-05-01T00:00:00.123456+02:00", "0001-01-01T00:00:00Z", "now", "", None)
_ANYTHING: tuple[Any, ...] = (None, 1, -1.5, True, "a", "", {}, [], {"a": 1}, [None], [[]], {"": {}}, 10**40, "\ud83d")
_GARBAGE = (
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b"\xff\xfe", b"\x00", b'{"a":1,"a":2}', b"[" * 5000,
    b'{"a":' * 3000,
    b'{"metadata":{"name":1e999}}', b'{"apiVersion":"v1"}', b"k8s\x00\x0a\x00",
    b"k8s\x00" + b"\x0a\xff\xff\xff\xff\x0f",
    b"--- ", b"a: &a [*a]",
    b"a: b: c", b"!!python/object:os.system {}", b"- op: add\n  path: /a",
    b'{"kind":"List","apiVersion":"v1","items":[{}]}',
    b'{"metadata":{"labels":{"a":NaN}}}', b"\xef\xbb\xbf{}",
)  # fmt: skip
_REF = "#/components/schemas/"
_DEEPEST = 7


class Bodies:
    """Bodies for the types of one OpenAPI document; every choice is `random`'s."""

    def __init__(self, schemas: Mapping[str, Any], random: Random) -> None:
        self._schemas = schemas
        self._random = random

    def varied(self, schema: Mapping[str, Any], seed: dict[str, Any]) -> dict[str, Any]:
        """The seed with a few fields of the schema put in, replaced or taken away, at any depth."""
        made = copy.deepcopy(seed)
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3, 6))):
            self._change(self._resolved(schema), made, 0)
        return made

    def made(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """A value of the schema; one in thirty of its parts is of another type."""
        random = self._random
        if random.random() < 1 / 30:
            return copy.deepcopy(random.choice(_ANYTHING))
        schema = self._resolved(schema)
        kind = schema.get("type")
        if kind == "object" and "properties" in schema:
            names = list(schema["properties"])
            chosen = random.sample(names, min(len(names), random.choice((0, 1, 2, 4)) if depth < _DEEPEST else 0))
            return {name: self.made(schema["properties"][name], depth + 1) for name in chosen}
        if kind == "object" and "additionalProperties" in schema:
            keys = random.sample(_STRINGS, random.randint(0, 2))
            return {key: self.made(schema["additionalProperties"], depth + 1) for key in keys}
        if kind == "array":
            return [self.made(schema["items"], depth + 1) for _ in range(random.choice((0, 1, 1, 2)))]
        return self._scalar(kind, schema.get("format"))

    def garbage(self) -> bytes:
        """Bytes that are no object."""
        return self._random.choice(_GARBAGE)

    def json_patch(self, schema: Mapping[str, Any]) -> Any:
        """A list of JSON patch operations, or nearly."""
        random = self._random
        operations = []
        for _ in range(random.choice((0, 1, 1, 2))):
            path = self._pointer(schema)
            operation = {"op": random.choice(("add", "replace", "remove", "test", "copy", "move", "x")), "path": path}
            if random.random() < 0.9:
                operation["value"] = self.made(schema, 3) if random.random() < 0.5 else random.choice(_ANYTHING)
            if random.random() < 0.3:
                operation["from"] = self._pointer(schema)
            operations.append(operation)
        return operations if random.random() < 0.95 else random.choice(_ANYTHING)

    def encoded(self, body: Any) -> bytes:
        """JSON as a careless client would send it: lone surrogates and numbers of any size included."""
        return json.dumps(body, ensure_ascii=self._random.random() < 0.9).encode("utf-8", "surrogatepass")

    def _change(self, schema: Mapping[str, Any], target: dict[str, Any], depth: int) -> None:
        random = self._random
        properties = schema.get("properties")
        if not properties:
            target[random.choice(_STRINGS)] = random.choice(_ANYTHING)
            return
        inner = [
            name for name, value in target.items() if isinstance(value, dict | list) and name in properties and value
        ]
        if inner and random.random() < 0.75:
            name = random.choice(inner)
            below, value = self._resolved(properties[name]), target[name]
            if isinstance(value, list):
                first = value[0]
                if isinstance(first, dict) and random.random() < 0.8:
                    self._change(self._resolved(below.get("items", {})), first, depth + 1)
                else:
                    value.append(copy.deepcopy(first))
            else:
                self._change(below, value, depth + 1)
            return
        if target and random.random() < 0.15:
            del target[random.choice(list(target))]
        elif random.random() < 0.05:
            target["noSuchField"] = random.choice(_ANYTHING)
        else:
            name = random.choice(list(properties))
            target[name] = self.made(properties[name], depth + 1)

    def _pointer(self, schema: Mapping[str, Any]) -> str:
        parts: list[str] = []
        schema = self._resolved(schema)
        while len(parts) < 6 and (not parts or self._random.random() < 0.7):
            if schema.get("properties"):
                name = self._random.choice(list(schema["properties"]))
                schema = self._resolved(schema["properties"][name])
            elif schema.get("type") == "array":
                name = self._random.choice(("0", "-", "1", "99999999999", "x"))
                schema = self._resolved(schema["items"])
            else:
                name = self._random.choice(("a", "~0", "~1b", "~2", ""))
                schema = {}
            parts.append(name)
        return "/" + "/".join(parts) if self._random.random() < 0.95 else "a/b"

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].removeprefix(_REF)]
            elif "allOf" in schema:
                schema = schema["allOf"][0]
            else:
                return schema

    def _scalar(self, kind: str | None, form: str | None) -> Any:
        random = self._random
        if kind == "boolean":
            return random.random() < 0.5
        if kind == "integer":
            return random.choice(_INTEGERS)
        if kind == "number":
            return random.choice((0, 0.5, -1e308, 1e308))
        if form == "date-time":
            return random.choice(_TIMES)
        if form == "byte":
            return random.choice(("YQ==", "", "!", "YQ"))
        if form == "int-or-string":
            return random.choice((1, "50%", "http", -1, 0, "200%", 1.5, 2**40))
        if kind == "string":
            return random.choice(_STRINGS + _QUANTITIES)
        return copy.deepcopy(random.choice(_ANYTHING))
