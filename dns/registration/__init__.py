"""How the replicas of kube-dns, which are no pods, become the endpoints of its Service."""
