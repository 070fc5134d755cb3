"""What the kubelet decides, as pure functions on plain values: no I/O, no clock, no randomness of their own."""
