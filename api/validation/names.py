"""The syntax of names: DNS labels and subdomains, qualified names, label values, ports, environment variables.

Pure. Every rule returns what is wrong in the reference's words (k8s.io/apimachinery/pkg/util/validation), or [].
Answers of the rules that run for every object are cached, since the same few names come again and again."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from apimachinery.remembering import remembered

#: A rule for metadata.name: (name, prefix) -> problems; `prefix` is for generateName, where a trailing dash is fine.
NameRule = Callable[[str, bool], list[str]]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + "(\\." + _LABEL + ")*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = "(" + _QUALIFIED + ")?"
_WILDCARD = "\\*\\." + _SUBDOMAIN
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_ENV_VAR = "[-._a-zA-Z][-._a-zA-Z0-9]*"
_HTTP_HEADER = "[-A-Za-z0-9]+"
_PERCENT = "[0-9]+%"

_label_match = re.compile(_LABEL).fullmatch
_subdomain_match = re.compile(_SUBDOMAIN).fullmatch
_label_1035_match = re.compile(_LABEL_1035).fullmatch
_qualified_match = re.compile(_QUALIFIED).fullmatch
_wildcard_match = re.compile(_WILDCARD).fullmatch
_config_key_match = re.compile(_CONFIG_KEY).fullmatch
_env_var_match = re.compile(_ENV_VAR).fullmatch
_http_header_match = re.compile(_HTTP_HEADER).fullmatch
_percent_match = re.compile(_PERCENT).fullmatch

_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_WILDCARD_TEXT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
    "which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_QUALIFIED_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_ENV_VAR_TEXT = (
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', "
    "and must not start with a digit"
)

LABEL_MAX = 63
SUBDOMAIN_MAX = 253


def max_length(limit: int) -> str:
    """The text for a name longer than `limit`."""
    return f"must be no more than {limit} characters"


def inclusive_range(low: int, high: int) -> str:
    """The text for a number outside low..high."""
    return f"must be between {low} and {high}, inclusive"


def regex_text(text: str, pattern: str, *examples: str) -> str:
    """`text` followed by examples and the pattern, with the reference's odd comma before each "or"."""
    if not examples:
        return f"{text} (regex used for validation is '{pattern}')"
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{text} (e.g. {listed}regex used for validation is '{pattern}')"


def _without_trailing_dash(name: str) -> str:
    """A prefix as it may look once the random suffix is appended."""
    return name[:-2] + "a" if len(name) > 1 and name.endswith("-") else name


def dns1123_subdomain(name: str, prefix: bool = False) -> list[str]:
    """The rule of most names: lower case, digits, '-' and '.'."""
    name = _without_trailing_dash(name) if prefix else name
    if len(name) <= SUBDOMAIN_MAX and _subdomain_match(name):
        return []
    problems = [max_length(SUBDOMAIN_MAX)] if len(name) > SUBDOMAIN_MAX else []
    if not _subdomain_match(name):
        problems.append(regex_text(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return problems


def dns1123_label(name: str, prefix: bool = False) -> list[str]:
    """One label of a DNS name, as containers, volumes and namespaces are called."""
    name = _without_trailing_dash(name) if prefix else name
    if len(name) <= LABEL_MAX and _label_match(name):
        return []
    problems = [max_length(LABEL_MAX)] if len(name) > LABEL_MAX else []
    if not _label_match(name):
        if _subdomain_match(name):
            problems.append("must not contain dots")
        else:
            problems.append(regex_text(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))
    return problems


def dns1035_label(name: str, prefix: bool = False) -> list[str]:
    """One label that starts with a letter, as services are called."""
    name = _without_trailing_dash(name) if prefix else name
    problems = [max_length(LABEL_MAX)] if len(name) > LABEL_MAX else []
    if not _label_1035_match(name):
        problems.append(regex_text(_LABEL_1035_TEXT, _LABEL_1035, "my-name", "abc-123"))
    return problems


def wildcard_subdomain(name: str) -> list[str]:
    """`*.example.com`."""
    problems = [max_length(SUBDOMAIN_MAX)] if len(name) > SUBDOMAIN_MAX else []
    if not _wildcard_match(name):
        problems.append(regex_text(_WILDCARD_TEXT, _WILDCARD, "*.example.com"))
    return problems


def path_segment_name(name: str, prefix: bool = False) -> list[str]:
    """What can stand in a URL path, as RBAC objects are called."""
    problems = []
    if not prefix and name in (".", ".."):
        problems.append(f"may not be '{name}'")
    problems.extend(f"may not contain '{char}'" for char in ("/", "%") if char in name)
    return problems


@remembered(8192)
def qualified_name(name: str) -> tuple[str, ...]:
    """A label key, annotation key, finalizer or resource name: an optional DNS prefix, '/' and a name."""
    before, slash, after = name.rpartition("/")
    if "/" in before:
        text = regex_text(_QUALIFIED_TEXT, _QUALIFIED, "MyName", "my.name", "123-abc")
        return (
            "a qualified name " + text + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
        )
    problems = []
    if slash:
        if not before:
            problems.append("prefix part must be non-empty")
        problems.extend(f"prefix part {text}" for text in (dns1123_subdomain(before) if before else ()))
    if not after:
        problems.append("name part must be non-empty")
    elif len(after) > LABEL_MAX:
        problems.append(f"name part {max_length(LABEL_MAX)}")
    if not _qualified_match(after):
        problems.append("name part " + regex_text(_QUALIFIED_TEXT, _QUALIFIED, "MyName", "my.name", "123-abc"))
    return tuple(problems)


@remembered(8192)
def label_value(value: str) -> tuple[str, ...]:
    """A label's value: may be empty."""
    problems = [max_length(LABEL_MAX)] if len(value) > LABEL_MAX else []
    if value and not _qualified_match(value):
        problems.append(regex_text(_LABEL_VALUE_TEXT, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return tuple(problems)


def _no_parent_directory(name: str) -> list[str]:
    if name == ".":
        return ["must not be '.'"]
    if name == "..":
        return ["must not be '..'"]
    return ["must not start with '..'"] if name.startswith("..") else []


def config_map_key(key: str) -> list[str]:
    """A key of a ConfigMap or Secret: a file name."""
    problems = [max_length(SUBDOMAIN_MAX)] if len(key) > SUBDOMAIN_MAX else []
    if not _config_key_match(key):
        text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        problems.append(regex_text(text, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return problems + _no_parent_directory(key)


@remembered(4096)
def env_var_name(name: str) -> tuple[str, ...]:
    """An environment variable of a container."""
    problems = []
    if not _env_var_match(name):
        problems.append(regex_text(_ENV_VAR_TEXT, _ENV_VAR, "my.env-name", "MY_ENV.NAME", "MyEnvName1"))
    return (*problems, *_no_parent_directory(name))


def http_header_name(name: str) -> list[str]:
    """The name of a header in a probe."""
    if _http_header_match(name):
        return []
    text = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return [regex_text(text, _HTTP_HEADER, "X-Header-Name")]


def percent(text: str) -> list[str]:
    """`25%`."""
    if _percent_match(text):
        return []
    message = "a valid percent string must be a numeric string followed by an ending '%'"
    return [regex_text(message, _PERCENT, "1%", "93%")]


def port_number(port: int) -> list[str]:
    """1..65535."""
    return [] if 1 <= port <= 65535 else [inclusive_range(1, 65535)]


@remembered(1024)
def port_name(name: str) -> tuple[str, ...]:
    """An IANA service name: up to 15 of [a-z0-9-] with a letter."""
    problems = [max_length(15)] if len(name) > 15 else []
    if not name or not all(char in "abcdefghijklmnopqrstuvwxyz0123456789-" for char in name):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not any("a" <= char <= "z" for char in name):
        problems.append("must contain at least one letter (a-z)")
    if "--" in name:
        problems.append("must not contain consecutive hyphens")
    if name and (name[0] == "-" or name[-1] == "-"):
        problems.append("must not begin or end with a hyphen")
    return tuple(problems)


IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_ip(text: str) -> IPAddress | None:
    """An IP address, leading zeros of IPv4 allowed as Go's ParseIPSloppy does; None when it is none."""
    parts = text.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() for part in parts):
        text = ".".join(str(int(part)) for part in parts)
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if address.version == 6 else address


def parse_cidr(text: str) -> IPNetwork | None:
    """A network in CIDR notation, host bits allowed; None when it is none."""
    address, slash, length = text.partition("/")
    parsed = parse_ip(address)
    if not slash or parsed is None or not (length.isascii() and length.isdigit()):
        return None
    try:
        return ipaddress.ip_network(f"{parsed}/{int(length)}", strict=False)
    except ValueError:
        return None


def ip_address(text: str) -> list[str]:
    """Any IP address."""
    return [] if parse_ip(text) else ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]


def cidr(text: str) -> list[str]:
    """Any network in CIDR notation."""
    return [] if parse_cidr(text) else ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]
