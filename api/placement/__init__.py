"""What a pod asks of the node it runs on: resources, tolerations, node affinity. Pure.

Shared by the scheduler, the controllers that place pods themselves, the kubelet's admission and quota."""
