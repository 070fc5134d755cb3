"""Links of proxied pages."""

from __future__ import annotations

import pytest

from apiserver.http.special.links import rewritten, through_proxy

PREFIX = "/api/v1/namespaces/n/pods/p/proxy"
HOSTS = frozenset({"10.0.0.1:8080", "api:6443"})


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("/next", f"{PREFIX}/next"),
        ("/", f"{PREFIX}/"),
        ("/a/../b/?q=1#part", f"{PREFIX}/b/?q=1#part"),
        ("http://10.0.0.1:8080/next", f"{PREFIX}/next"),
        ("https://api:6443/next", f"{PREFIX}/next"),
        (f"{PREFIX}/next", f"{PREFIX}/next"),
        ("next", "next"),
        ("#here", "#here"),
        ("http://elsewhere/next", "http://elsewhere/next"),
        ("http://[broken", "http://[broken"),
        ("mailto:a@b", "mailto:a@b"),
    ],
)
def test_which_links_are_turned(url: str, wanted: str) -> None:
    assert through_proxy(url, PREFIX, HOSTS) == wanted


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ('<a href="/x">/x</a>', '<a href="X">/x</a>'),
        ("<A class=b HREF='/x' title=\"/x\">", "<A class=b HREF='X' title=\"/x\">"),
        ("<img src=/x><form method=post action=/x>", "<img src=X><form method=post action=X>"),
        ('<p href="/x">', '<p href="/x">'),
        ('<!-- <a href="/x"> --><!doctype html>', '<!-- <a href="/x"> --><!doctype html>'),
        ('<script src="/x">if (a<b) "<a href=/x>"</script>', '<script src="X">if (a<b) "<a href=/x>"</script>'),
        ('<a title=">" href="/x">', '<a title=">" href="X">'),
        ("<a href=", "<a href="),
        ('<a "' * 200_000, '<a "' * 200_000),
        ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
    ],
)
def test_where_links_are(page: str, wanted: str) -> None:
    assert rewritten(page, lambda url: "X" if url == "/x" else url) == wanted


def test_values_are_unescaped_and_escaped() -> None:
    seen: list[str] = []

    def link(url: str) -> str:
        seen.append(url)
        return url + "&c=3"

    assert rewritten('<a href="/x?a=1&amp;b=2">', link) == '<a href="/x?a=1&amp;b=2&amp;c=3">'
    assert seen == ["/x?a=1&b=2"]
