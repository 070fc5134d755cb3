"""Talking to an API server: REST client, kubeconfig, reflector, indexed store, informer, work queue,
leader election, event recorder. The roles are those of k8s.io/client-go."""
