"""Protobuf bodies of the built-in types, read into the objects that JSON would give.

Clients built on client-go 1.32 and later send them; answers are always JSON."""
