"""How many seats a request takes: a list takes more the more objects it goes through. Pure."""

from __future__ import annotations

_MOST = 10
_OBJECTS_PER_SEAT = 100


def of_list(objects: int, limit: int) -> int:
    """The seats of a list of a resource that has so many objects; `limit`: of the request, 0 for none."""
    seen = min(objects, limit) if limit > 0 else objects
    return max(1, min(_MOST, -(-seen // _OBJECTS_PER_SEAT)))
