# Removing what the daemons leave in Docker, the kernel and below /var/lib/kubelet once they are stopped. Sourced, never run.
# Needs $MK_VENV, where the programs are, and $MK_LOGS.

remove_pods() {
    local containers
    docker_answers || return 0
    mapfile -t containers < <(docker ps -aq --filter label=io.kubernetes.pod.uid)
    [ ${#containers[@]} -gt 0 ] || return 0
    docker rm -f -v "${containers[@]}" >/dev/null
    note "${#containers[@]} containers removed"
}

remove_network() {
    [ -x "$MK_VENV/bin/kube-proxy" ] || return 0
    "$MK_VENV/bin/kube-proxy" --cleanup 2>>"$MK_LOGS/cleanup.log" || note "kube-proxy --cleanup failed: see $MK_LOGS/cleanup.log"
    "$MK_VENV/bin/python" -m kubelet.network.cleanup 2>>"$MK_LOGS/cleanup.log" || note "network cleanup failed: see $MK_LOGS/cleanup.log"
}

remove_pod_folders() {
    [ -d /var/lib/kubelet/pods ] || return 0
    { grep -o ' /var/lib/kubelet/pods/[^ ]*' /proc/mounts || true; } | sort -r | xargs -r umount
    rm -rf /var/lib/kubelet/pods
}
