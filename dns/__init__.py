"""kube-dns: answers for the cluster's names from the API, for all others from the servers that the host uses."""
