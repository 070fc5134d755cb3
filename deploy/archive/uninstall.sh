#!/usr/bin/env bash
# Removes what install.sh installed: stops the services, removes every pod, the pods' network and the service rules, then the
# units and the programs.
#
#   uninstall.sh [--purge]
#
#   --purge      also forget /etc/kubernetes, all objects in etcd, the kubelet's state, logs, and the system settings that
#                system/master.sh and system/node.sh made
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
. "$here/lib/settings.sh"
. "$here/lib/docker.sh"
. "$here/lib/cleanup.sh"
. "$here/lib/system.sh"

purge=
case ${1:-} in
--purge) purge=yes ;;
'') ;;
*) die "unknown argument $1: uninstall.sh [--purge]" ;;
esac
[ "$(id -u)" = 0 ] || die "this must run as root"
MK_VENV=$MK_PREFIX/current
MK_LOGS=/var/log/kubernetes
mkdir -p "$MK_LOGS"

# Nodes first: a kubelet that still runs would start its pods again.
services=(kubelet kube-proxy kube-dns kube-scheduler kube-controller-manager kube-apiserver etcd)

stop_services() {
    local name
    [ -d /run/systemd/system ] || return 0
    for name in "${services[@]}"; do
        if ours "$name"; then systemctl disable -q --now "$name" || note "$name could not be stopped"; fi
    done
}

# Whether the unit is one that install.sh put there.
ours() { grep -qs "^# mini-kubernetes" "$MK_UNITS/$1.service" "/etc/systemd/system/$1.service"; }

remove_files() {
    local name folder link
    for name in "${services[@]}"; do
        for folder in "$MK_UNITS" /etc/systemd/system; do
            if grep -qs "^# mini-kubernetes" "$folder/$name.service"; then rm -f "$folder/$name.service"; fi
        done
    done
    for link in /usr/bin/kube*; do
        case $(readlink "$link") in "$MK_PREFIX"/*) rm -f "$link" ;; esac
    done
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        systemctl reset-failed 2>/dev/null || true
    fi
}

say "Stopping the services"
stop_services
say "Removing pods, their network and the service rules"
remove_pods
remove_network
remove_pod_folders
say "Removing units and programs"
remove_files
if [ -n "$purge" ]; then
    say "Forgetting configuration and state"
    forget_system_settings
    rm -rf "$MK_CONFIG" /var/lib/kubelet /var/lib/etcd /etc/etcd/etcd.conf "$MK_LOGS" /run/kubernetes
fi
rm -rf "$MK_PREFIX"
say "mini-kubernetes is gone"
