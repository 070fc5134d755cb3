# Certificates and kubeconfig files, laid out as in the binary deployment guides and kubeadm. Made once and kept; made anew
# where the machine's name or address changed. Sourced, never run.
#
# A machine's files lie in $MK_CONFIG and $MK_PKI below it. What is signed is signed by the CA in $MK_CA, which is the
# machine's own folder unless said otherwise.

MK_CA=${MK_CA:-$MK_PKI}

# issue NAME SUBJECT [SUBJECT_ALT_NAMES] [USAGE] [AUTHORITY]: $MK_PKI/NAME.{key,crt} signed by the cluster's CA, or another.
issue() {
    local name=$1 subject=$2 names=${3:-} usage=${4:-clientAuth} authority=$MK_CA/${5:-ca}
    [ -s "$MK_PKI/$name.crt" ] && return
    local extensions
    extensions=$(mktemp)
    {
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature,keyEncipherment"
        echo "extendedKeyUsage=$usage"
        [ -z "$names" ] || echo "subjectAltName=$names"
    } >"$extensions"
    openssl ecparam -genkey -name prime256v1 -noout -out "$MK_PKI/$name.key"
    openssl req -new -key "$MK_PKI/$name.key" -subj "$subject" |
        openssl x509 -req -days 3650 -CA "$authority.crt" -CAkey "$authority.key" -CAcreateserial \
            -extfile "$extensions" -out "$MK_PKI/$name.crt.new" 2>/dev/null
    mv "$MK_PKI/$name.crt.new" "$MK_PKI/$name.crt"
    rm -f "$extensions"
}

# self_signed NAME COMMON_NAME: the authority $MK_PKI/NAME.{key,crt}.
self_signed() {
    local name=$1 common_name=$2
    [ -s "$MK_PKI/$name.crt" ] && return
    openssl ecparam -genkey -name prime256v1 -noout -out "$MK_PKI/$name.key"
    openssl req -x509 -new -key "$MK_PKI/$name.key" -days 3650 -subj "/CN=$common_name" \
        -addext "keyUsage=critical,digitalSignature,keyCertSign,cRLSign" -out "$MK_PKI/$name.crt"
}

# The authority, the one by which other API servers know this one as the front proxy (were it the same, every user's
# certificate would let its owner speak for anybody), and the key pair that signs service account tokens.
make_authority() {
    self_signed ca kubernetes
    self_signed front-proxy-ca front-proxy-ca
    if [ ! -s "$MK_PKI/sa.pub" ]; then
        openssl genrsa -out "$MK_PKI/sa.key" 2048 2>/dev/null
        openssl rsa -in "$MK_PKI/sa.key" -pubout -out "$MK_PKI/sa.pub" 2>/dev/null
    fi
}

# forget_if_changed IDENTITY CERTIFICATE...: removes the certificates that name this machine if it was called otherwise.
forget_if_changed() {
    local identity=$1 name
    shift
    [ "$(cat "$MK_PKI/.issued-for" 2>/dev/null)" != "$identity" ] || return 0
    for name in "$@"; do rm -f "$MK_PKI/$name.crt"; done
}

issue_control_plane() {
    local node=$1 ip=$2
    issue apiserver "/CN=kube-apiserver" \
        "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,DNS:$node,IP:$MK_KUBERNETES_IP,IP:127.0.0.1,IP:$ip" serverAuth
    issue apiserver-kubelet-client "/O=system:masters/CN=kube-apiserver-kubelet-client"
    issue front-proxy-client "/CN=front-proxy-client" "" clientAuth front-proxy-ca
    issue admin "/O=system:masters/CN=kubernetes-admin"
    issue controller-manager "/CN=system:kube-controller-manager"
    issue scheduler "/CN=system:kube-scheduler"
}

issue_node() {
    local node=$1 ip=$2
    issue kube-proxy "/CN=system:kube-proxy"
    issue kube-dns "/CN=system:kube-dns"
    issue kubelet "/O=system:nodes/CN=system:node:$node"
    issue kubelet-server "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:127.0.0.1,IP:$ip" serverAuth
}

CONTROL_PLANE_USERS=(admin controller-manager scheduler)
NODE_USERS=(kubelet kube-proxy kube-dns)

# make_pki ADDRESS: everything that a machine which is both master and node needs.
make_pki() {
    local ip=$1 who
    umask 077
    mkdir -p "$MK_PKI"
    forget_if_changed "$MK_NODE_NAME $ip" apiserver kubelet kubelet-server
    make_authority
    issue_control_plane "$MK_NODE_NAME" "$ip"
    issue_node "$MK_NODE_NAME" "$ip"
    echo "$MK_NODE_NAME $ip" >"$MK_PKI/.issued-for"
    for who in "${CONTROL_PLANE_USERS[@]}" "${NODE_USERS[@]}"; do
        write_kubeconfig "$who" https://127.0.0.1:6443
    done
    umask 022
}

# write_kubeconfig USER SERVER: $MK_CONFIG/USER.conf, with the certificates inside.
write_kubeconfig() {
    local who=$1 server=$2
    cat >"$MK_CONFIG/$who.conf" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: mini-kubernetes
  cluster:
    server: $server
    certificate-authority-data: $(base64 -w0 <"$MK_CA/ca.crt")
users:
- name: $who
  user:
    client-certificate-data: $(base64 -w0 <"$MK_PKI/$who.crt")
    client-key-data: $(base64 -w0 <"$MK_PKI/$who.key")
contexts:
- name: $who@mini-kubernetes
  context:
    cluster: mini-kubernetes
    user: $who
current-context: $who@mini-kubernetes
YAML
}
