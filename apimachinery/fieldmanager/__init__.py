"""Who owns which field: managedFields on every write, and server-side apply. Pure."""

from apimachinery.fieldmanager.manager import apply, not_convertible, update

__all__ = ["apply", "not_convertible", "update"]
