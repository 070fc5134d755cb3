"""The controller of Secrets of type kubernetes.io/service-account-token."""
