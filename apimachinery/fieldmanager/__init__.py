"""Who owns which field: managedFields on every write, and server-side apply. Pure."""

from apimachinery.fieldmanager.manager import apply, update

__all__ = ["apply", "update"]
