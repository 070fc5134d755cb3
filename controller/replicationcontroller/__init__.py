"""ReplicationControllers: replica sets under their first name."""
