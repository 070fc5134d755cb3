"""YAML bodies into objects as sigs.k8s.io/yaml reads them: scalars by the rules of YAML 1.1, keys as text.

Pure; imported where a body is YAML, as PyYAML takes time to load. The C parser is used where it was built."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from apimachinery.decode import SyntaxProblem, json_number
from apimachinery.objects import Object
from apimachinery.schema.leaves import json_kind

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAP_TAG: Final = "tag:yaml.org,2002:map"
_FLOAT_TAG: Final = "tag:yaml.org,2002:float"
_INT_TAG: Final = "tag:yaml.org,2002:int"
_BOOL_TAG: Final = "tag:yaml.org,2002:bool"
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_INT = re.compile(r"(?:[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*))$")
_BOOL = re.compile(r"(?:[yYnN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$")


class _Loader(_Base):  # type: ignore[misc]  # chosen at run time between two loaders without stubs
    """One document; notes the keys that occur twice in a mapping."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.duplicates: list[str] = []

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        self.flatten_mapping(node)
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node, deep=True))
            if key in out:
                self.duplicates.append(f'  line {key_node.start_mark.line + 1}: key "{key}" already set in map')
            out[key] = self.construct_object(value_node, deep=True)
        return out


def _construct_map(loader: _Loader, node: Any) -> dict[str, Any]:
    return loader.construct_mapping(node, deep=True)


def _construct_float(loader: _Loader, node: Any) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan"))


def _construct_int(loader: _Loader, node: Any) -> int | float:
    text = loader.construct_scalar(node).replace("_", "")
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", text)
    return json_number(int(f"{octal[1]}0o{octal[2]}" if octal else text, 0))


def _construct_bool(loader: _Loader, node: Any) -> bool:
    return loader.construct_scalar(node).lower() in ("y", "yes", "true", "on")


# Where PyYAML differs from the Go package: timestamps and "1:30" stay text, "1e3" is a number, "y" a truth value.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float", ":int", ":bool"))]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INT_TAG, _INT, list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT_TAG, _FLOAT, list("-+.0123456789"))
_Loader.add_implicit_resolver(_BOOL_TAG, _BOOL, list("yYnNtTfFoO"))
_Loader.add_constructor(_MAP_TAG, _construct_map)
_Loader.add_constructor(_FLOAT_TAG, _construct_float)
_Loader.add_constructor(_INT_TAG, _construct_int)
_Loader.add_constructor(_BOOL_TAG, _construct_bool)


def _key(key: Any) -> str:
    """A mapping's key as JSON has it."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, (int, float)):
        return str(key)
    raise SyntaxProblem(f"error converting YAML to JSON: unsupported map key of type: {json_kind(key)}")


def decode_yaml_strict(body: bytes) -> tuple[Object, str]:
    """The object of a body's first document, and the complaint about its duplicate keys ("" without any).

    Raises SyntaxProblem with the Go package's text."""
    loader = _Loader(body)
    try:
        value = loader.get_data() if loader.check_data() else None
    except yaml.MarkedYAMLError as error:
        raise SyntaxProblem(f"error converting YAML to JSON: yaml: {_where(error)}{error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, SyntaxProblem):
            raise
        raise SyntaxProblem(f"error converting YAML to JSON: yaml: {error}") from error
    finally:
        loader.dispose()
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise SyntaxProblem(
            f"json: cannot unmarshal {json_kind(value)} into Go value of type map[string]interface {{}}"
        )
    lines = loader.duplicates
    return value, "yaml: unmarshal errors:\n" + "\n".join(lines) if lines else ""


def decode_yaml(body: bytes) -> Object:
    """The object of a YAML (or JSON) body's first document; raises SyntaxProblem."""
    return decode_yaml_strict(body)[0]


def _where(error: yaml.MarkedYAMLError) -> str:
    """The place of a syntax error as the Go package counts it."""
    mark = error.problem_mark
    if mark is not None and mark.line:
        return f"line {mark.line + (1 if isinstance(error, yaml.scanner.ScannerError) else 0)}: "
    context = error.context_mark
    return f"line {context.line}: " if context is not None and context.line else ""
