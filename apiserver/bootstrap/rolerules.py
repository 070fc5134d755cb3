"""A short way to write PolicyRules, for the tables of default roles. Pure."""

from __future__ import annotations

from apiserver.authz.rules import Rule

READ = "get list watch"
WRITE = "create delete deletecollection patch update"


def rule(groups: str, resources: str, verbs: str, *, names: str = "") -> Rule:
    """A rule of words separated by spaces; the core group is written "core"."""
    return Rule(
        verbs=tuple(verbs.split()),
        groups=tuple("" if group == "core" else group for group in groups.split()),
        resources=tuple(resources.split()),
        names=tuple(names.split()),
    )


def paths(patterns: str, verbs: str) -> Rule:
    """A rule of URL paths."""
    return Rule(verbs=tuple(verbs.split()), paths=tuple(patterns.split()))


#: Writing Events, in both groups they are served in.
EVENTS = rule("core events.k8s.io", "events", "create patch update")
