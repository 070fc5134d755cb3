# The machines of a cluster as the scripts of deploy/system are told them: NAME=ADDRESS..., the master first. Sourced, never run.

# read_hosts NAME=ADDRESS...: fills HOST_NAMES, HOST_ADDRESSES, MASTER_NAME and MASTER_ADDRESS; ends the script at the first
# that is wrong. Names are checked as the API server will check them (RFC 1123): an upper-case host name is a usual trap.
read_hosts() {
    local host name address part
    [ $# -gt 0 ] || die "no machines given: NAME=ADDRESS..., the master first"
    HOST_NAMES=() HOST_ADDRESSES=()
    for host in "$@"; do
        name=${host%%=*} address=${host#*=}
        [ "$name" != "$host" ] || die "$host: expected NAME=ADDRESS, such as node1=192.168.52.137"
        [[ ${#name} -le 63 && $name =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]] ||
            die "$name: a node's name is of lower-case letters, digits and '-', at most 63 of them, and begins and ends with a letter or digit"
        [[ $address =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$ ]] || die "$host: not an IPv4 address: $address"
        for part in ${address//./ }; do [ "$((10#$part))" -le 255 ] || die "$host: not an IPv4 address: $address"; done
        case " ${HOST_NAMES[*]} " in *" $name "*) die "$name is given twice" ;; esac
        case " ${HOST_ADDRESSES[*]} " in *" $address "*) die "$address is given twice" ;; esac
        HOST_NAMES+=("$name")
        HOST_ADDRESSES+=("$address")
    done
    MASTER_NAME=${HOST_NAMES[0]}
    MASTER_ADDRESS=${HOST_ADDRESSES[0]}
}

# find_self: sets SELF_NAME and SELF_ADDRESS: the machine of the list that has one of this machine's addresses.
find_self() {
    local index addresses
    addresses=$(ip -4 -o addr show) || die "the addresses of this machine cannot be listed: ip is of iproute2"
    for index in "${!HOST_NAMES[@]}"; do
        if [[ $addresses == *" ${HOST_ADDRESSES[index]}/"* ]]; then
            SELF_NAME=${HOST_NAMES[index]}
            SELF_ADDRESS=${HOST_ADDRESSES[index]}
            return
        fi
    done
    die "none of ${HOST_ADDRESSES[*]} is an address of this machine: $(awk '{print $4}' <<<"$addresses" | xargs)"
}
