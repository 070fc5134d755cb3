"""Derive `v1.28.json.gz`, all that the API server knows of the built-in types, from its published sources.

Run by hand when a source changes: `python -m apimachinery.schema.derive GO_SOURCES` where GO_SOURCES is a folder that
holds `k8s.io/api` and `k8s.io/apimachinery` (Debian: golang-k8s-api-dev, golang-k8s-apimachinery-dev, in
/usr/share/gocode/src). The JSON schema of the development dependency kubernetes-validate says which types and fields
v1.28 has; the Go source says which are pointers or `omitempty`, which the schema does not tell."""

from __future__ import annotations

import gzip
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any, Final

import orjson

from apimachinery.schema import gosource, supplement
from apimachinery.schema.gosource import GoField, GoTypes

OUTPUT: Final = Path(__file__).parent / "v1.28.json.gz"
_VERSION: Final = "v1.28.0-local"
_UNSERVED = re.compile(r"\.(v\d+alpha\d+|v\d+beta\d+)\.")
#: The groups of which v1.28 serves such versions, or does where it is asked to.
_BETA_GROUPS: Final = (".flowcontrol.", ".admissionregistration.")
_REF: Final = "#/$defs/"

_SCALARS: Final = {"string": "s", "bool": "b", "int32": "i", "int64": "l", "float64": "f", "uint8": "h", "int16": "h"}
_LEAVES: Final = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "x",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "t",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "u",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "r",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "r",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "j",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "A",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "B",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "S",
}
#: Types that the Go source, where it is newer, has split off.
_IN_V1_28: Final = {
    "io.k8s.api.core.v1.VolumeResourceRequirements": "io.k8s.api.core.v1.ResourceRequirements",
}
_EXTRAS: Final = {
    "x-kubernetes-patch-strategy": "ps",
    "x-kubernetes-patch-merge-key": "mk",
    "x-kubernetes-list-type": "lt",
    "x-kubernetes-list-map-keys": "lk",
    "x-kubernetes-map-type": "mt",
    "default": "df",
}


def main(arguments: list[str]) -> int:
    """Write the data file; returns the process's exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m apimachinery.schema.derive GO_SOURCES\n")
        return 2
    types = gosource.read(Path(arguments[0]))
    supplement.add_to(types)
    data = derive(_definitions(), types)
    packed = gzip.compress(orjson.dumps(data), compresslevel=9, mtime=0)
    OUTPUT.write_bytes(packed)
    sys.stdout.write(f"{OUTPUT}: {len(data['types'])} types, {len(packed)} bytes\n")
    return 0


def _definitions() -> dict[str, Any]:
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        raise SystemExit("kubernetes-validate is not installed")
    path = Path(found.origin).parent / "kubernetes-json-schema" / _VERSION / "_definitions.json"
    definitions: dict[str, Any] = orjson.loads(path.read_bytes())["$defs"]
    return definitions


def derive(definitions: dict[str, Any], types: GoTypes) -> dict[str, Any]:
    """The data file's content: {"types": {name: {"f": fields, ...}}, "kinds": {"group/version/Kind": name}}."""
    out: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for name, definition in sorted(definitions.items()):
        is_beta = _UNSERVED.search(name) is not None
        if (is_beta and not any(group in name for group in _BETA_GROUPS)) or name in _LEAVES:
            continue
        out[name] = _struct(name, definition, types)
        for gvk in definition.get("x-kubernetes-group-version-kind") or ():
            kinds.setdefault(f"{gvk['group']}/{gvk['version']}/{gvk['kind']}", name)
    return {"types": out, "kinds": dict(sorted(kinds.items()))}


def _struct(name: str, definition: dict[str, Any], types: GoTypes) -> dict[str, Any]:
    go_fields = {field.name: field for field in types.structs[name]}
    required = frozenset(definition.get("required") or ())
    fields = [
        _field(go_fields[field], schema, field in required, types)
        for field, schema in (definition.get("properties") or {}).items()
    ]
    struct: dict[str, Any] = {"f": fields}
    if map_type := definition.get("x-kubernetes-map-type"):
        struct["mt"] = map_type
    return struct


def _field(field: GoField, schema: dict[str, Any], required: bool, types: GoTypes) -> list[Any]:
    """[name, shape, flags] and, where they say more, the Go type and the extensions."""
    shape = _shape(field.type, types)
    flags = ("o" if field.omitempty else "") + ("r" if required else "")
    extras = {short: schema[key] for key, short in _EXTRAS.items() if key in schema}
    row: list[Any] = [field.name, shape, flags]
    go_type = _printed(field.type.lstrip("*"), types)
    if extras or go_type:
        row.append(go_type)
    if extras:
        row.append(extras)
    return row


def _shape(written: str, types: GoTypes) -> str:
    """The type in one-letter codes: `*` pointer, `[` list, `{` map, `@` struct (see `loader.py`)."""
    written = _IN_V1_28.get(written, written)
    if written.startswith("*"):
        return "*" + _shape(written[1:], types)
    if written in _LEAVES:
        return _LEAVES[written]
    if written in types.structs:
        return "@" + written
    written = types.underlying(written)
    if written == "[]byte":
        return "y"
    if written.startswith("[]"):
        return "[" + _shape(written[2:], types)
    if written.startswith("map["):
        return "{" + _shape(written.partition("]")[2], types)
    if written in types.structs or written in _LEAVES or written.startswith("*"):
        return _shape(written, types)
    return _SCALARS[written]


def _printed(written: str, types: GoTypes) -> str:
    """The type as reflection prints it, "" where it follows from the shape; `name=what` for named lists and maps."""
    if _plain(written, types):
        return ""
    short = re.sub(r"[\w.\-]+\.(\w+)\.(\w+)", r"\1.\2", written)
    underlying = types.underlying(written)
    if underlying != written and underlying.startswith(("[", "map[")):
        return short + "=" + re.sub(r"[\w.\-]+\.(\w+)\.(\w+)", r"\1.\2", underlying)
    return short


def _plain(written: str, types: GoTypes) -> bool:
    """Whether no named scalar, list or map occurs in the type."""
    return not any(name in types.aliases for name in re.findall(r"[\w.\-]+", written))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
