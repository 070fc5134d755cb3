# Where things live and which addresses are used. Every value can be given in the environment instead.
# Sourced, never run.

MK_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MK_VENV=${MK_VENV:-/opt/mini-kubernetes}
# Where an installation from the archive lies; up.sh makes $MK_VENV instead.
MK_PREFIX=${MK_PREFIX:-/usr/lib/mini-kubernetes}
MK_UNITS=${MK_UNITS:-/usr/lib/systemd/system}
MK_CONFIG=${MK_CONFIG:-/etc/kubernetes}
MK_PKI=$MK_CONFIG/pki
MK_STATE=${MK_STATE:-/var/lib/mini-kubernetes}
MK_LOGS=${MK_LOGS:-/var/log/mini-kubernetes}
MK_RUN=${MK_RUN:-/run/mini-kubernetes}

MK_SERVICE_CIDR=${MK_SERVICE_CIDR:-10.96.0.0/12}
MK_KUBERNETES_IP=${MK_KUBERNETES_IP:-10.96.0.1}
MK_DNS_IP=${MK_DNS_IP:-10.96.0.10}
MK_NODE_PORTS=${MK_NODE_PORTS:-30000-32767}
MK_CLUSTER_DOMAIN=${MK_CLUSTER_DOMAIN:-cluster.local}
MK_CLUSTER_CIDR=${MK_CLUSTER_CIDR:-10.244.0.0/16}
MK_REGISTRY_PORT=${MK_REGISTRY_PORT:-5000}

MK_NODE_NAME=${MK_NODE_NAME:-$(hostname | tr '[:upper:]' '[:lower:]')}

# The address by which other machines reach this one: the source address of the default route, or else the first
# one that is not loopback.
node_ip() {
    local ip
    ip=$(ip -4 route get 203.0.113.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
    [ -n "$ip" ] || ip=$(ip -4 -o addr show scope global | awk 'NR == 1 {split($4, a, "/"); print a[1]}')
    [ -n "$ip" ] || ip=127.0.0.1
    echo "$ip"
}

# The resolver configuration for pods: systemd-resolved's own list where /etc/resolv.conf only names its stub, which a
# pod cannot reach.
resolv_conf() {
    local full=/run/systemd/resolve/resolv.conf
    if [ -s "$full" ] && grep -q '^nameserver 127\.0\.0\.53' /etc/resolv.conf; then echo "$full"; else echo /etc/resolv.conf; fi
}

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# wait_for SECONDS DESCRIPTION COMMAND...: until the command succeeds; ends the script when it never does.
wait_for() {
    local seconds=$1 what=$2
    shift 2
    local end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || die "$what: not within $seconds s"
        sleep 0.2
    done
}
