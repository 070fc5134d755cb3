"""The string formats that schemas of CustomResourceDefinitions may name (k8s.io/kube-openapi/pkg/validation/strfmt).

Pure. Formats that are not known are not checked."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)\Z")
_PART: Final = r"(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)"
_DURATION: Final = re.compile(rf"[+-]?(0|({_PART})+)\Z")
_WORDY_DURATION: Final = re.compile(r"((\d+)\s*([A-Za-zµ]+))+\Z")
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?\Z")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\Z")
_MAC: Final = re.compile(r"([0-9A-Fa-f]{2}[:-]){5,7}[0-9A-Fa-f]{2}\Z")
_HEX_COLOR: Final = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
_RGB_COLOR: Final = re.compile(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)\Z")
_ISBN: Final = re.compile(r"[\dXx -]+\Z")
_SSN: Final = re.compile(r"\d{3}[- ]?\d{2}[- ]?\d{4}\Z")


def fits(form: str, text: str) -> bool:
    """Whether a string is of the format; every string is of one that is not known."""
    check = _CHECKS.get(form.replace("-", ""))
    return check is None or check(text)


def _accepts(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    if not _DATE_TIME.match(text):
        return False
    return _accepts(datetime.fromisoformat, text.upper().replace("Z", "+00:00"))


def _is_byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_uuid(version: int | None) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            found = uuid.UUID(text)
        except ValueError:
            return False
        return version is None or found.version == version

    return check


def _is_uri(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme) or text.startswith("/")
    except ValueError:
        return False


def _matcher(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.match(text) is not None


def _is_duration(text: str) -> bool:
    return _DURATION.match(text) is not None or _WORDY_DURATION.match(text) is not None


def _is_isbn(digits: int) -> Callable[[str], bool]:
    return lambda text: bool(_ISBN.match(text)) and len(re.sub(r"[ -]", "", text)) == digits


_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "bsonobjectid": _matcher(re.compile(r"[0-9a-fA-F]{24}\Z")),
    "byte": _is_byte,
    "cidr": lambda text: "/" in text and _accepts(lambda each: ipaddress.ip_network(each, strict=False), text),
    "creditcard": lambda text: 12 <= len(re.sub(r"[ -]", "", text)) <= 19 and re.sub(r"[ -]", "", text).isdigit(),
    "date": lambda text: len(text) == 10 and _accepts(date.fromisoformat, text),
    "datetime": _is_date_time,
    "duration": _is_duration,
    "email": _matcher(_EMAIL),
    "hexcolor": _matcher(_HEX_COLOR),
    "hostname": lambda text: len(text) <= 255 and _HOSTNAME.match(text) is not None,
    "ipv4": lambda text: _accepts(ipaddress.IPv4Address, text),
    "ipv6": lambda text: _accepts(ipaddress.IPv6Address, text),
    "isbn": lambda text: _is_isbn(10)(text) or _is_isbn(13)(text),
    "isbn10": _is_isbn(10),
    "isbn13": _is_isbn(13),
    "json": lambda text: _accepts(json.loads, text),
    "mac": _matcher(_MAC),
    "rgbcolor": _matcher(_RGB_COLOR),
    "ssn": _matcher(_SSN),
    "uri": _is_uri,
    "uuid": _is_uuid(None),
    "uuid3": _is_uuid(3),
    "uuid4": _is_uuid(4),
    "uuid5": _is_uuid(5),
}
