"""What all RBAC kinds share: names may be any path segment ("system:node"), and a PUT creates what is absent. Pure."""

from __future__ import annotations

from api.kind import Strategy
from api.validation.names import path_segment_name


class RbacStrategy(Strategy):
    """Of roles and bindings."""

    allow_create_on_update = True

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """Any path segment."""
        return path_segment_name(name, prefix=prefix)
