#!/usr/bin/env bash
# Stops what up.sh started and removes every container, network interface and iptables chain of the cluster.
#
#   down.sh [--purge]
#
#   --purge      also forget all objects, certificates, images built here and the installed programs
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/settings.sh"
. "$here/lib/packages.sh"
. "$here/lib/services.sh"
. "$here/lib/docker.sh"
. "$here/lib/cleanup.sh"

MK_PURGE=
case ${1:-} in
--purge) MK_PURGE=yes ;;
'') ;;
*) die "unknown argument $1: down.sh [--purge]" ;;
esac
[ "$(id -u)" = 0 ] || die "this must run as root"
mkdir -p "$MK_RUN" "$MK_LOGS"

say "Stopping the daemons"
for name in kubelet kube-proxy kube-dns kube-scheduler kube-controller-manager kube-apiserver; do
    stop_service "$name"
done

say "Removing pods, their network and the service rules"
remove_pods
remove_network
remove_pod_folders

say "Stopping the store, the registry and Docker where they were started here"
stop_service etcd
stop_service registry
if [ -n "$MK_PURGE" ]; then forget_mirror; fi
if service_pid dockerd >/dev/null; then
    stop_service dockerd
    ip link delete docker0 2>/dev/null || true
fi
if [ -n "$MK_PURGE" ]; then
    if has_systemd && systemctl cat etcd >/dev/null 2>&1; then
        systemctl disable -q --now etcd || true
        rm -rf /var/lib/etcd/default
    fi
    rm -rf "$MK_STATE" "$MK_CONFIG" "$MK_VENV" /var/lib/kubelet
    for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kube-dns; do
        if [ -L "/usr/local/bin/$name" ]; then rm -f "/usr/local/bin/$name"; fi
    done
fi
say "Down"
