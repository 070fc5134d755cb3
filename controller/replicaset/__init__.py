"""Keeps as many pods of a template as asked for: the machinery of ReplicaSets and ReplicationControllers."""
