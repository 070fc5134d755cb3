# What master.sh and node.sh share: their arguments and the preparation of the machine. Sourced, never run.

library=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$library/settings.sh"
. "$library/hosts.sh"
. "$library/system.sh"
. "$library/environment.sh"
EXAMPLES=$library/../systemd/environment
MANIFESTS=$library/../manifests

# read_role_arguments SCRIPT ARGUMENT...: fills CERTIFICATES, ENVIRONMENT, KUBELET_FLAGS and what hosts.sh fills.
read_role_arguments() {
    local script=$1 insecure=
    shift
    CERTIFICATES='' KUBELET_FLAGS='' ENVIRONMENT=$EXAMPLES
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help)
            sed -n '2,/^set /s/^# \{0,1\}//p' "$script"
            exit 0
            ;;
        --insecure)
            insecure=yes ENVIRONMENT=$EXAMPLES/insecure
            MK_DNS_IP=169.169.0.10 # the tenth of the range in that apiserver's flags
            ;;
        --certificates | --kubelet-flags)
            [ $# -ge 2 ] || die "$1 needs a value"
            if [ "$1" = --certificates ]; then CERTIFICATES=$2; else KUBELET_FLAGS=$2; fi
            shift
            ;;
        -*) die "unknown argument $1; see --help" ;;
        *) break ;;
        esac
        shift
    done
    [ "$(id -u)" = 0 ] || die "this must run as root"
    read_hosts "$@"
    find_self
    [ -z "$insecure$CERTIFICATES" ] && die "give --certificates FOLDER, which certificates.sh makes, or --insecure"
    [ -z "$insecure" ] || [ -z "$CERTIFICATES" ] || die "--insecure and --certificates exclude each other"
}

prepare_machine() {
    say "Preparing $SELF_NAME ($SELF_ADDRESS) as $1"
    mkdir -p "$MK_CONFIG"
    prepare_system "$1"
    [ -z "$CERTIFICATES" ] || install_certificates "$CERTIFICATES"
}
