#!/usr/bin/env bash
# Lists what keeps this machine from being a master or a node, and how to mend each. Changes nothing.
#
#   preflight.sh master|node NAME=ADDRESS [NAME=ADDRESS...]      the first is the master
#
# Exit code: 0 all is well (warnings may be printed), 1 something is wrong, 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/settings.sh"
. "$here/../lib/hosts.sh"
. "$here/../lib/system.sh"
. "$here/../lib/packages.sh"

case ${1:-} in
master | node) role=$1 ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    [[ ${1:-} =~ ^(-h|--help)$ ]] && exit 0
    exit 2
    ;;
esac
shift
read_hosts "$@"

wrong_count=0
ok() { printf 'ok       %s\n' "$1"; }
warning() { printf 'warning  %s\n         %s\n' "$1" "$2"; }
wrong() {
    printf 'wrong    %s\n         %s\n' "$1" "$2"
    wrong_count=$((wrong_count + 1))
}

check_machine() {
    [ "$(id -u)" = 0 ] || wrong "not run as root" "much cannot be seen: run it with sudo"
    [ "$(uname -m)" = x86_64 ] || wrong "the machine is $(uname -m)" "the archive has packages for x86_64 only"
    [ -d /run/systemd/system ] || wrong "systemd does not run here" "the services are its units"
    if find_python >/dev/null; then ok "$("$(find_python)" -V)"; else
        wrong "no Python from 3.11 on" "install python3 (Debian) or python3.11 (CentOS Stream 9: dnf install python3.11)"
    fi
}

# check_command COMMAND DEBIAN_PACKAGE CENTOS_PACKAGE
check_command() {
    if command -v "$1" >/dev/null; then ok "$1 is installed"; else
        wrong "$1 is missing" "install it: apt-get install $2 (Debian), dnf install $3 (CentOS Stream)"
    fi
}

check_commands() {
    check_command iptables-restore iptables iptables-nft
    check_command conntrack conntrack conntrack-tools
    check_command ip iproute2 iproute
    check_command dockerd docker.io docker-ce
    check_command openssl openssl openssl
    [ "$role" = node ] || check_command etcd etcd-server etcd
    [ "$role" = node ] || command -v kubectl >/dev/null || warning "kubectl is missing" "install kubernetes-client, here or where you work"
}

check_docker() {
    command -v docker >/dev/null || return 0
    if ! timeout 10 docker info >/dev/null 2>&1; then
        wrong "Docker does not answer" "systemctl enable --now docker; journalctl -u docker"
        return
    fi
    ok "Docker $(docker info -f '{{.ServerVersion}}') answers"
    [ "$(docker info -f '{{.LiveRestoreEnabled}}')" = true ] ||
        warning "Docker stops all containers when it is restarted" "put \"live-restore\": true into /etc/docker/daemon.json"
}

check_names() {
    local index name address seen
    if ! (find_self) 2>/dev/null; then
        wrong "no address of ${HOST_ADDRESSES[*]} is this machine's" "check the list, or ip addr"
        return
    fi
    find_self
    ok "this machine is $SELF_NAME ($SELF_ADDRESS)"
    [ "$(hostname)" = "$SELF_NAME" ] || warning "the host name is $(hostname)" "hostnamectl set-hostname $SELF_NAME"
    for index in "${!HOST_NAMES[@]}"; do
        name=${HOST_NAMES[index]} address=${HOST_ADDRESSES[index]}
        seen=$(getent ahostsv4 "$name" | awk 'NR == 1 {print $1}') || seen=
        if [ "$seen" = "$address" ]; then ok "$name is $address"; else
            wrong "$name is ${seen:-not known}, not $address" "system/$role.sh writes the names to /etc/hosts"
        fi
    done
}

check_kernel() {
    local module key
    if [ -z "$(swap_devices)" ]; then ok "swap is off"; else
        wrong "swap is on: $(swap_devices | xargs)" "swapoff -a, and comment it out in /etc/fstab; system/$role.sh does the first"
    fi
    for module in "${MODULES[@]}"; do
        if has_module "$module"; then ok "kernel has $module"; else wrong "kernel module $module is not loaded" "modprobe $module"; fi
    done
    for key in net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables; do
        if [ "$(cat "/proc/sys/$key" 2>/dev/null)" = 1 ]; then ok "${key//\//.} is 1"; else
            wrong "${key//\//.} is not 1" "system/$role.sh sets it now and at boot ($SYSCTL_FILE)"
        fi
    done
}

# Ports that someone else than the daemons has taken.
check_ports() {
    local port holder before=$wrong_count ports=(10248 10249 10250 10256)
    [ "$role" = node ] || ports+=(2379 2380 6443 10257 10259)
    command -v ss >/dev/null || return 0 # of iproute2, which is complained about already
    for port in "${ports[@]}"; do
        holder=$(ss -Hltnp "sport = :$port" | sed -n 's/.*users:(("\([^"]*\)".*/\1/p' | sed -n 1p)
        case $holder in
        '' | etcd | kube*) ;;
        *) wrong "port $port is taken by $holder" "stop it: the daemons need the port" ;;
        esac
    done
    [ "$wrong_count" -gt "$before" ] || ok "ports ${ports[*]} are free or the daemons' own"
}

check_firewall() {
    local port
    if has_firewalld; then
        for port in $(ports_of "$role"); do
            firewall-cmd -q --query-port="$port" || wrong "firewalld keeps port $port closed" "system/$role.sh opens it"
        done
        firewall-cmd -q --zone=trusted --query-source="$MK_CLUSTER_CIDR" ||
            wrong "firewalld does not trust the pods ($MK_CLUSTER_CIDR)" "system/$role.sh tells it"
    fi
    ! selinux_enforces || ok "SELinux enforces; system/$role.sh tells it about pods' volumes"
}

check_clock() {
    if clock_is_kept; then ok "the clock is kept"; else
        warning "nothing keeps this machine's clock" "install chrony: certificates and Leases fail once clocks differ"
    fi
}

check_certificates() {
    local file before=$wrong_count
    { [ -d "$MK_PKI" ] && command -v openssl >/dev/null; } || return 0
    for file in "$MK_PKI"/*.crt; do
        if ! openssl x509 -in "$file" -noout -checkend 2592000 >/dev/null; then
            wrong "$file ends within 30 days" "make a new one: see system/certificates.sh"
        elif ! openssl verify -CAfile "$MK_PKI/ca.crt" "$file" >/dev/null 2>&1; then
            wrong "$file is not signed by $MK_PKI/ca.crt" "give all machines certificates of one run of system/certificates.sh"
        fi
    done
    [ ! -f "$MK_PKI/.issued-for" ] || [ -z "${SELF_NAME:-}" ] || [ "$(cat "$MK_PKI/.issued-for")" = "$SELF_NAME $SELF_ADDRESS" ] ||
        wrong "the certificates were made for $(cat "$MK_PKI/.issued-for")" "run system/certificates.sh with today's names and addresses"
    [ "$wrong_count" -gt "$before" ] || ok "the certificates in $MK_PKI are this machine's and last"
}

check_master_answers() {
    [ "$role" = node ] || return 0
    if timeout 5 bash -c "exec 3<>/dev/tcp/$MASTER_ADDRESS/6443" 2>/dev/null || timeout 5 bash -c "exec 3<>/dev/tcp/$MASTER_ADDRESS/8080" 2>/dev/null; then
        ok "the master answers"
    else
        warning "the master ($MASTER_ADDRESS) answers neither at 6443 nor at 8080" "start it first; look for a firewall in between"
    fi
}

check_machine
check_commands
check_docker
check_names
check_kernel
check_ports
check_firewall
check_clock
check_certificates
check_master_answers
if [ $wrong_count -gt 0 ]; then
    printf '%s wrong\n' "$wrong_count"
    exit 1
fi
