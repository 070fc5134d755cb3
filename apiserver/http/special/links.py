"""Links in what a proxied server answers, turned so that they lead through the proxy again. Pure.

A page served at /api/v1/namespaces/N/pods/P/proxy/ that links to /next means /api/v1/.../proxy/next: links to the same
host with an absolute path get the prefix, relative ones and those to other hosts stay as they are."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from posixpath import normpath
from urllib.parse import SplitResult, urlsplit

#: Attributes that hold one URL, by element (HTML 4 and 5).
_ATTRIBUTES = {
    "a": {"href"}, "applet": {"codebase"}, "area": {"href"}, "audio": {"src"}, "base": {"href"},
    "blockquote": {"cite"}, "body": {"background"}, "button": {"formaction"}, "command": {"icon"}, "del": {"cite"},
    "embed": {"src"}, "form": {"action"}, "frame": {"longdesc", "src"}, "head": {"profile"}, "html": {"manifest"},
    "iframe": {"longdesc", "src"}, "img": {"longdesc", "src", "usemap"}, "input": {"formaction", "src", "usemap"},
    "ins": {"cite"}, "link": {"href"}, "object": {"classid", "codebase", "data", "usemap"}, "q": {"cite"},
    "script": {"src"}, "source": {"src"}, "track": {"src"}, "video": {"poster", "src"},
}  # fmt: skip
#: What begins with "<": comments, declarations and end tags, tags (whose quoted values may hold a ">").
_PIECE = re.compile(
    r"<!--.*?-->|<[!?/][^>]*>|<(?P<name>[a-zA-Z][^\s/>]*)(?P<rest>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL
)
_BEGINNING = re.compile(r"<[a-zA-Z!?/]")
_ATTRIBUTE = re.compile(r"(?P<head>\s(?P<name>[^\s=>\"'/]+)\s*=\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
#: Elements whose content is no HTML.
_RAW_END = {name: re.compile(rf"</{name}", re.IGNORECASE) for name in ("script", "style")}


def rewritten(page: str, link: Callable[[str], str]) -> str:
    """The page with `link` applied to every URL of an attribute. Takes time in proportion to the page's length."""
    out, at = [], 0
    while begin := _BEGINNING.search(page, at):
        piece = _PIECE.match(page, begin.start())
        if piece is None:
            break  # it has no end, so there is nothing behind it either
        name = (piece["name"] or "").lower()
        out.append(page[at : piece.start()])
        out.append(_tag(piece, _ATTRIBUTES[name], link) if name in _ATTRIBUTES else piece[0])
        at = piece.end()
        if name in _RAW_END:
            end = _RAW_END[name].search(page, at)
            stop = end.start() if end else len(page)
            out.append(page[at:stop])
            at = stop
    out.append(page[at:])
    return "".join(out)


def _tag(piece: re.Match[str], names: set[str], link: Callable[[str], str]) -> str:
    def attribute(found: re.Match[str]) -> str:
        if found["name"].lower() not in names:
            return found[0]
        text = found["value"]
        quote = text[0] if text[0] in "\"'" else ""
        old = html.unescape(text[1:-1] if quote else text)
        new = link(old)
        return found[0] if new == old else f"{found['head']}{quote}{html.escape(new)}{quote}"

    return f"<{piece['name']}{_ATTRIBUTE.sub(attribute, piece['rest'])}>"


def through_proxy(url: str, prefix: str, hosts: frozenset[str]) -> str:
    """The URL as seen from outside. `prefix` is the path before what the proxied server sees ("/api/.../proxy"),
    `hosts` are the names ("host:port") by which that server and the API server were called."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if (parts.netloc and parts.netloc not in hosts) or not parts.path.startswith("/"):
        return url
    path = parts.path
    if not path.startswith(prefix):
        clean = normpath(f"{prefix}/{path}")
        path = f"{clean}/" if path.endswith("/") else clean
    return SplitResult("", "", path, parts.query, parts.fragment).geturl()
