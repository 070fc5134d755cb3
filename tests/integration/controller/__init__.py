"""Controllers and scheduler against a real API server and a real etcd."""
