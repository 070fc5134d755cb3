#!/usr/bin/env bash
# Makes this machine ready to be the master: system settings, certificates, EnvironmentFiles. Starts nothing. Can be run again.
#
#   master.sh --certificates FOLDER NAME=ADDRESS [NAME=ADDRESS...]     the first is the master, that is, this machine
#   master.sh --insecure NAME=ADDRESS [NAME=ADDRESS...]                the older guides' port 8080, open to all
#
#   --certificates FOLDER   what certificates.sh made for this machine
#   --kubelet-flags FLAGS   further flags for this machine's kubelet
#
# The master runs kubelet and kube-proxy as well, so that it is on the pod network and answers at node ports; a taint keeps
# pods away that do not tolerate it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/role.sh"

read_role_arguments "$0" "$@"
[ "$SELF_NAME" = "$MASTER_NAME" ] || die "this machine is $SELF_NAME, but $MASTER_NAME is named first, as the master"
NODE_FLAGS="--register-with-taints=node-role.kubernetes.io/control-plane=:NoSchedule $KUBELET_FLAGS"

prepare_machine master
write_environment "$ENVIRONMENT" apiserver controller-manager scheduler kubelet proxy dns
write_dns_manifest
note "start it: systemctl enable --now etcd kube-apiserver kube-controller-manager kube-scheduler docker kubelet kube-proxy"
note "DNS: kubectl apply -f $MK_CONFIG/kube-dns.yaml, then here, on a node or on both: systemctl enable --now kube-dns"
