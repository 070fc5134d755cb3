"""DaemonSets: a pod on every node that takes it."""
