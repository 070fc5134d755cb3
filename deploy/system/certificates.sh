#!/usr/bin/env bash
# Makes the certificates and kubeconfig files of a cluster of several machines. Runs anywhere with openssl, needs no root.
#
#   certificates.sh FOLDER NAME=ADDRESS [NAME=ADDRESS...]      the first is the master
#   e.g. certificates.sh certificates master=192.168.52.136 node1=192.168.52.137 node2=192.168.52.138
#
# FOLDER/NAME is what machine NAME gets in /etc/kubernetes: bring it there by scp and give it to master.sh or node.sh. The
# authority's key stays in FOLDER/master. Run it again to add a machine; what is there is kept. Whoever reads FOLDER owns
# the cluster.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/settings.sh"
. "$here/../lib/hosts.sh"
. "$here/../lib/pki.sh"

case ${1:-} in
'' | -h | --help)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
folder=$1
shift
read_hosts "$@"
umask 077

# use_machine NAME: the functions of pki.sh then write its folder.
use_machine() {
    MK_CONFIG=$folder/$1
    MK_PKI=$MK_CONFIG/pki
    mkdir -p "$MK_PKI"
}

use_machine "$MASTER_NAME"
MK_CA=$MK_PKI
make_authority
for index in "${!HOST_NAMES[@]}"; do
    name=${HOST_NAMES[index]} address=${HOST_ADDRESSES[index]}
    use_machine "$name"
    forget_if_changed "$name $address" apiserver kubelet kubelet-server
    users=("${NODE_USERS[@]}")
    if [ "$name" = "$MASTER_NAME" ]; then
        issue_control_plane "$name" "$address"
        users+=("${CONTROL_PLANE_USERS[@]}")
    else
        cp "$MK_CA/ca.crt" "$MK_PKI/ca.crt"
    fi
    issue_node "$name" "$address"
    echo "$name $address" >"$MK_PKI/.issued-for"
    for who in "${users[@]}"; do write_kubeconfig "$who" "https://$MASTER_ADDRESS:6443"; done
done
note "certificates of ${HOST_NAMES[*]} are in $folder"
