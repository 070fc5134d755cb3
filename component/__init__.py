"""What makes a daemon a good process: flags, logs, health and metrics, systemd notification, signals, task group."""
