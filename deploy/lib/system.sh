# What a machine needs before the daemons can work: swap, kernel modules, sysctls, names, firewall, SELinux, time. Each
# function can be run again and says what it changes and why. Sourced, never run; needs settings.sh and hosts.sh.

SYSCTL_FILE=/etc/sysctl.d/90-mini-kubernetes.conf
MODULES_FILE=/etc/modules-load.d/mini-kubernetes.conf
# br_netfilter: packets between pods on one bridge pass iptables, without which a Service does not reach a pod beside its
# client. overlay: Docker's storage. vxlan: the pod network between machines.
MODULES=(br_netfilter overlay vxlan)
HOSTS_BEGIN="# mini-kubernetes: the machines of the cluster"
HOSTS_END="# mini-kubernetes: end"

# One line per device in use, without /proc/swaps' heading.
swap_devices() { sed -n '2,$s/[[:space:]].*//p' /proc/swaps; }

# The kubelet refuses to start with swap: a limit on memory would mean little.
swap_off() {
    local line
    [ -n "$(swap_devices)" ] || return 0
    note "switching swap off: $(swap_devices | xargs)"
    swapoff -a
    while read -r line; do note "  comment this out in /etc/fstab, or swap is back after the next boot: $line"; done < <(
        grep -E '^[^#].*[[:space:]]swap[[:space:]]' /etc/fstab || true
    )
}

# Loaded, or built into the kernel, which then may show no folder for it.
has_module() {
    case $1 in
    br_netfilter) [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] ;;
    overlay) grep -qw overlay /proc/filesystems ;;
    *) [ -d "/sys/module/$1" ] ;;
    esac
}

load_modules() {
    local module
    for module in "${MODULES[@]}"; do
        has_module "$module" || modprobe "$module" 2>/dev/null || note "module $module could not be loaded: preflight.sh says what is wrong"
    done
    mkdir -p "${MODULES_FILE%/*}"
    printf '%s\n' "${MODULES[@]}" >"$MODULES_FILE"
}

# ip_forward: the node routes for its pods. bridge-nf-call-iptables: see br_netfilter above.
set_sysctls() {
    mkdir -p "${SYSCTL_FILE%/*}"
    printf '%s = 1\n' net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables >"$SYSCTL_FILE"
    sysctl -q -p "$SYSCTL_FILE" || note "not all of $SYSCTL_FILE could be set: preflight.sh says what is wrong"
}

# The machines' names in /etc/hosts, as a block of its own; the first, as the first line with a name counts and Debian writes
# the machine's own name beside 127.0.1.1. Written in place: in a container the file is a mount.
write_hosts() {
    local index rest
    rest=$(without_hosts_block)
    {
        printf '%s\n' "$HOSTS_BEGIN"
        for index in "${!HOST_NAMES[@]}"; do printf '%s %s\n' "${HOST_ADDRESSES[index]}" "${HOST_NAMES[index]}"; done
        printf '%s\n' "$HOSTS_END" "$rest"
    } | write_in_place /etc/hosts
}
without_hosts_block() { sed "/^$HOSTS_BEGIN\$/,/^$HOSTS_END\$/d" /etc/hosts; }
write_in_place() {
    local content
    content=$(cat)
    [ "$content" = "$(cat "$1")" ] || printf '%s\n' "$content" >"$1"
}

# What must be reachable from the other machines. Everything else the daemons serve is on loopback or asked for by the user.
ports_of() {
    case $1 in
    master) echo 6443/tcp ;;
    esac
    echo 10250/tcp 10256/tcp 8472/udp 10053/tcp 10053/udp "$MK_NODE_PORTS/tcp" "$MK_NODE_PORTS/udp"
}

has_firewalld() { command -v firewall-cmd >/dev/null && firewall-cmd --state >/dev/null 2>&1; }

# firewalld stays on: it is told the ports, and that pods and the bridge they are on are trusted, because it would refuse
# what is forwarded to them.
tell_firewalld() {
    local port
    has_firewalld || return 0
    note "telling firewalld about ports $(ports_of "$1" | xargs) and pods"
    for port in $(ports_of "$1"); do firewall-cmd -q --permanent --add-port="$port"; done
    firewall-cmd -q --permanent --zone=trusted --add-source="$MK_CLUSTER_CIDR"
    firewall-cmd -q --permanent --zone=trusted --add-interface=cni0
    firewall-cmd -q --reload
}
forget_firewalld() {
    local port
    has_firewalld || return 0
    for port in $(ports_of master); do firewall-cmd -q --permanent --remove-port="$port" || true; done
    firewall-cmd -q --permanent --zone=trusted --remove-source="$MK_CLUSTER_CIDR" || true
    firewall-cmd -q --permanent --zone=trusted --remove-interface=cni0 || true
    firewall-cmd -q --reload
}

selinux_enforces() { command -v getenforce >/dev/null && [ "$(getenforce)" = Enforcing ]; }

# SELinux stays on: pods' volumes get the type that containers may use. (The programs lie in a folder named bin, which the
# policy knows already.)
tell_selinux() {
    selinux_enforces || return 0
    if ! command -v semanage >/dev/null; then
        note "SELinux enforces and semanage is missing (policycoreutils-python-utils): pods may be refused their volumes"
        return 0
    fi
    note "telling SELinux that containers may use /var/lib/kubelet/pods"
    mkdir -p /var/lib/kubelet/pods
    semanage fcontext -a -t container_file_t '/var/lib/kubelet/pods(/.*)?' 2>/dev/null ||
        semanage fcontext -m -t container_file_t '/var/lib/kubelet/pods(/.*)?'
    restorecon -R /var/lib/kubelet/pods
}

forget_selinux() {
    command -v semanage >/dev/null || return 0
    semanage fcontext -d '/var/lib/kubelet/pods(/.*)?' 2>/dev/null || true # not there where SELinux did not enforce
}

# Whether something keeps the clock: certificates and Leases need clocks that agree within seconds.
clock_is_kept() {
    [ "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)" = yes ] || [[ $(chronyc -n tracking 2>/dev/null) =~ Leap\ status\ *:\ Normal ]]
}

prepare_system() {
    swap_off
    load_modules
    set_sysctls
    write_hosts
    tell_firewalld "$1"
    tell_selinux
    clock_is_kept || note "nothing keeps this machine's clock: install chrony, or certificates and Leases fail once clocks differ"
}

# What prepare_system made; swap is left off.
forget_system_settings() {
    rm -f "$SYSCTL_FILE" "$MODULES_FILE"
    without_hosts_block | write_in_place /etc/hosts
    forget_firewalld
    forget_selinux
}
