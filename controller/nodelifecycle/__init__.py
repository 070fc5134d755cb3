"""The nodelifecycle controller."""
