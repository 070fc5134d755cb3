"""Validation errors of one field each, rendered as k8s.io/apimachinery/pkg/util/validation/field does. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

#: Stands for "no bad value to show".
OMIT: Any = type("Omit", (), {"__repr__": lambda self: "OMIT"})()
#: The path of the whole object: an empty path is printed as an empty subscript.
WHOLE = "[]"


class GoSyntax(str):
    """A value already rendered as Go's %#v shows it (structs, maps): printed as it is, unquoted."""

    __slots__ = ()


def go_value(value: Any) -> str:
    """A value as Go's field.Error prints it: strings quoted, nil as the text "null", objects as JSON."""
    if isinstance(value, GoSyntax):
        return str(value)
    if isinstance(value, str):
        return go_quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return '"null"'
    if isinstance(value, (int, float)):
        return str(value)
    return orjson.dumps(value).decode()


def go_quote(text: str) -> str:
    """strconv.Quote: double quotes, with control characters and quotes escaped."""
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char in _GO_ESCAPES:
            out.append(_GO_ESCAPES[char])
        elif char.isprintable() or char == " ":
            out.append(char)
        elif ord(char) < 0x80:
            out.append(f"\\x{ord(char):02x}")
        elif ord(char) < 0x10000:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(f"\\U{ord(char):08x}")
    return "".join(out) + '"'


_GO_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule: `reason` is the cause's reason in the Status, `text` what follows "field: "."""

    reason: str
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"

    def cause(self) -> dict[str, str]:
        """The entry of Status.details.causes."""
        return {"reason": self.reason, "message": self.text, "field": self.field}


def _with_detail(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text


def required(field: str, detail: str = "") -> FieldError:
    """A field that must be given is absent or empty."""
    return FieldError("FieldValueRequired", field, _with_detail("Required value", detail))


def invalid(field: str, value: Any, detail: str) -> FieldError:
    """A value that breaks a rule."""
    shown = "Invalid value" if value is OMIT else f"Invalid value: {go_value(value)}"
    return FieldError("FieldValueInvalid", field, _with_detail(shown, detail))


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    """A value of the wrong type."""
    return FieldError("FieldValueTypeInvalid", field, _with_detail(f"Invalid value: {go_value(value)}", detail))


def not_supported(field: str, value: Any, allowed: Sequence[str]) -> FieldError:
    """A value outside an enumeration; `allowed` is shown quoted, in its order."""
    text = f"Unsupported value: {go_value(value)}"
    if allowed:
        text += ": supported values: " + ", ".join(go_quote(value) for value in allowed)
    return FieldError("FieldValueNotSupported", field, text)


def duplicate(field: str, value: Any) -> FieldError:
    """A value that occurs twice where it must be unique."""
    return FieldError("FieldValueDuplicate", field, f"Duplicate value: {go_value(value)}")


def forbidden(field: str, detail: str) -> FieldError:
    """A field that must not be set (here, now)."""
    return FieldError("FieldValueForbidden", field, _with_detail("Forbidden", detail))


def not_found(field: str, value: Any) -> FieldError:
    """A reference to something that does not exist."""
    return FieldError("FieldValueNotFound", field, f"Not found: {go_value(value)}")


def too_long(field: str, value: Any, limit: int) -> FieldError:
    """A text, or all texts of a field together, longer than `limit` bytes."""
    return FieldError("FieldValueTooLong", field, f"Too long: must have at most {limit} bytes")


def over_max_length(field: str, value: Any, limit: int) -> FieldError:
    """A text longer than its schema's maxLength, which counts characters."""
    return FieldError("FieldValueTooLong", field, f"Too long: may not be longer than {limit}")


def too_many(field: str, actual: int, limit: int) -> FieldError:
    """A list longer than `limit`."""
    return FieldError("FieldValueTooMany", field, f"Too many: {actual}: must have at most {limit} items")


def internal(field: str, detail: str) -> FieldError:
    """The server could not check the field."""
    return FieldError("InternalError", field, _with_detail("Internal error", detail))
