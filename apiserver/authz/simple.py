"""The authorizers that look at next to nothing."""

from __future__ import annotations

from apiserver.interfaces import Attributes, Decision

#: Members may do everything, whatever the other authorizers say.
PRIVILEGED_GROUP = "system:masters"


class PrivilegedGroup:
    """Allows members of system:masters everything."""

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """ALLOW for members, no opinion on others."""
        if PRIVILEGED_GROUP in attributes.user.groups:
            return Decision.ALLOW, ""
        return Decision.NO_OPINION, ""


class AlwaysAllow:
    """Allows everything."""

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """ALLOW."""
        return Decision.ALLOW, ""


class AlwaysDeny:
    """Allows nothing (but leaves the question to those that follow)."""

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """No opinion, which at the end means no."""
        return Decision.NO_OPINION, "Everything is forbidden."
