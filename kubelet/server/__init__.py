"""The kubelet's own server on port 10250: logs, exec, statistics, the pods of this node."""
