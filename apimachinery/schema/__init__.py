"""The types of the API as data: `load()` gives the built-in ones, each with a compiled `decode`.

Pure. `model.py` says what a type is; the data file is derived by `derive.py` from published sources."""

from apimachinery.schema.loader import Schemas, load
from apimachinery.schema.model import DecodeError, FieldSchema, TypeSchema

__all__ = ["DecodeError", "FieldSchema", "Schemas", "TypeSchema", "load"]
