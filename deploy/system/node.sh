#!/usr/bin/env bash
# Makes this machine ready to be a node: system settings, certificates, EnvironmentFiles. Starts nothing. Can be run again.
#
#   node.sh --certificates FOLDER NAME=ADDRESS NAME=ADDRESS...     the first is the master, this machine is one of the others
#   node.sh --insecure NAME=ADDRESS NAME=ADDRESS...                the older guides' port 8080, open to all
#
#   --certificates FOLDER   what certificates.sh made for this machine
#   --kubelet-flags FLAGS   further flags for this machine's kubelet
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/role.sh"

read_role_arguments "$0" "$@"
NODE_FLAGS=$KUBELET_FLAGS

prepare_machine node
write_environment "$ENVIRONMENT" kubelet proxy dns
note "start it: systemctl enable --now docker kubelet kube-proxy"
