"""The container runtime: a protocol, and Docker behind it through the Engine API on its unix socket."""
