"""Headers for browsers."""

from __future__ import annotations

import pytest

from apiserver.http.crossorigin import BrowserRules


def test_origins_that_are_allowed_may_call() -> None:
    rules = BrowserRules([r"^https://[a-z]+\.example\.com$", r"//localhost(:|$)"])
    for origin in ("https://shop.example.com", "http://localhost:8080"):
        headers = rules.headers(origin, secure=True)
        assert headers["Access-Control-Allow-Origin"] == origin
        assert headers["Access-Control-Allow-Credentials"] == "true"
    for other in ("https://shop.example.com.evil.org", "http://localhosts", None, ""):
        assert rules.headers(other, secure=True) == {}


def test_strict_transport_security_is_said_over_tls_alone() -> None:
    rules = BrowserRules((), ["max-age=31536000", "includeSubDomains"])
    assert rules.headers(None, secure=True) == {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
    assert rules.headers(None, secure=False) == {}


@pytest.mark.parametrize(("origins", "directives"), [(["("], []), ([], ["max-age=never"]), ([], ["other"])])
def test_flags_that_make_no_sense(origins: list[str], directives: list[str]) -> None:
    with pytest.raises(ValueError, match=r"--cors-allowed-origins|--strict-transport-security-directives"):
        BrowserRules(origins, directives)
