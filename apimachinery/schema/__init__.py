"""The types of the API as data: `load()` gives the built-in ones, each with a compiled `decode`.

Pure. `model.py` says what a type is; the data file is derived by `derive.py` from published sources; `from_openapi`
makes the type of a custom resource."""

from apimachinery.schema.loader import Schemas, load
from apimachinery.schema.model import DecodeError, FieldSchema, TypeSchema
from apimachinery.schema.structural import from_openapi

__all__ = ["DecodeError", "FieldSchema", "Schemas", "TypeSchema", "from_openapi", "load"]
