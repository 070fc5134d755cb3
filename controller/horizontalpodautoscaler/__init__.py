"""The horizontal pod autoscaler (autoscaling/v2; KEP-853 for behavior, KEP-1610 for container resources)."""
