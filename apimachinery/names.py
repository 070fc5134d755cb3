"""The rules of names and label values that apimachinery itself needs (k8s.io/apimachinery/pkg/util/validation). Pure.

Each function lists what is wrong with a text, in the reference's words; an empty list means that nothing is."""

from __future__ import annotations

import re
from typing import Final

from apimachinery.remembering import remembered

_NAME_RULE: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_NAME: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL: Final = f"({_NAME})?"
_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_DNS_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"

_is_name = re.compile(_NAME).fullmatch
_is_subdomain = re.compile(_SUBDOMAIN).fullmatch


def regex_error(rule: str, pattern: str, *examples: str) -> str:
    """A broken rule with examples of what it allows and the expression that checks it."""
    if not examples:
        return f"{rule} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


def max_length_error(limit: int) -> str:
    """A text is longer than `limit` bytes."""
    return f"must be no more than {limit} characters"


@remembered(4096)
def _qualified_name(text: str) -> tuple[str, ...]:
    parts = text.split("/")
    found: list[str] = []
    if len(parts) > 2:
        rule = regex_error(_NAME_RULE, _NAME, "MyName", "my.name", "123-abc")
        found.append(
            f"a qualified name {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        )
        return tuple(found)
    if len(parts) == 2:
        if not parts[0]:
            found.append("prefix part must be non-empty")
        else:
            found += [f"prefix part {error}" for error in dns1123_subdomain(parts[0])]
    name = parts[-1]
    if not name:
        found.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        found.append(f"name part {max_length_error(63)}")
    if not _is_name(name):
        found.append("name part " + regex_error(_NAME_RULE, _NAME, "MyName", "my.name", "123-abc"))
    return tuple(found)


def qualified_name(text: str) -> list[str]:
    """Keys of labels, annotations and resources: a name of up to 63 bytes with an optional DNS prefix and slash."""
    return list(_qualified_name(text))


@remembered(4096)
def _label_value(text: str) -> tuple[str, ...]:
    found: list[str] = []
    if len(text.encode()) > 63:
        found.append(max_length_error(63))
    if text and not _is_name(text):
        found.append(regex_error(_LABEL_RULE, _LABEL, "MyValue", "my_value", "12345"))
    return tuple(found)


def label_value(text: str) -> list[str]:
    """Values of labels: empty, or a name of up to 63 bytes."""
    return list(_label_value(text))


def dns1123_subdomain(text: str) -> list[str]:
    """Names of most objects: dot-separated DNS labels, up to 253 bytes."""
    found: list[str] = []
    if len(text.encode()) > 253:
        found.append(max_length_error(253))
    if not _is_subdomain(text):
        found.append(regex_error(_SUBDOMAIN_RULE, _SUBDOMAIN, "example.com"))
    return found
