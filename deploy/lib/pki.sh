# The certificates and kubeconfig files of a one-node cluster, laid out as in the binary deployment guides and kubeadm.
# Made once and kept; made anew where the node's name or address changed. Sourced, never run.

# issue NAME SUBJECT [SUBJECT_ALT_NAMES] [USAGE]: $MK_PKI/NAME.{key,crt} signed by the cluster's CA.
issue() {
    local name=$1 subject=$2 names=${3:-} usage=${4:-clientAuth}
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
        openssl x509 -req -days 3650 -CA "$MK_PKI/ca.crt" -CAkey "$MK_PKI/ca.key" -CAcreateserial \
            -extfile "$extensions" -out "$MK_PKI/$name.crt.new" 2>/dev/null
    mv "$MK_PKI/$name.crt.new" "$MK_PKI/$name.crt"
    rm -f "$extensions"
}

make_pki() {
    local ip=$1 identity="$MK_NODE_NAME $1"
    umask 077
    mkdir -p "$MK_PKI"
    if [ "$(cat "$MK_PKI/.issued-for" 2>/dev/null)" != "$identity" ]; then
        rm -f "$MK_PKI"/{apiserver,kubelet,kubelet-server}.crt
    fi
    if [ ! -s "$MK_PKI/ca.crt" ]; then
        openssl ecparam -genkey -name prime256v1 -noout -out "$MK_PKI/ca.key"
        openssl req -x509 -new -key "$MK_PKI/ca.key" -days 3650 -subj "/CN=kubernetes" \
            -addext "keyUsage=critical,digitalSignature,keyCertSign,cRLSign" -out "$MK_PKI/ca.crt"
    fi
    if [ ! -s "$MK_PKI/sa.pub" ]; then
        openssl genrsa -out "$MK_PKI/sa.key" 2048 2>/dev/null
        openssl rsa -in "$MK_PKI/sa.key" -pubout -out "$MK_PKI/sa.pub" 2>/dev/null
    fi
    issue apiserver "/CN=kube-apiserver" \
        "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,DNS:$MK_NODE_NAME,IP:$MK_KUBERNETES_IP,IP:127.0.0.1,IP:$ip" serverAuth
    issue apiserver-kubelet-client "/O=system:masters/CN=kube-apiserver-kubelet-client"
    issue admin "/O=system:masters/CN=kubernetes-admin"
    issue controller-manager "/CN=system:kube-controller-manager"
    issue scheduler "/CN=system:kube-scheduler"
    issue kube-proxy "/CN=system:kube-proxy"
    issue kubelet "/O=system:nodes/CN=system:node:$MK_NODE_NAME"
    issue kubelet-server "/O=system:nodes/CN=system:node:$MK_NODE_NAME" "DNS:$MK_NODE_NAME,IP:127.0.0.1,IP:$ip" serverAuth
    echo "$identity" >"$MK_PKI/.issued-for"
    local who
    for who in admin controller-manager scheduler kubelet kube-proxy; do
        write_kubeconfig "$who"
    done
    umask 022
}

write_kubeconfig() {
    local who=$1
    cat >"$MK_CONFIG/$who.conf" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: mini-kubernetes
  cluster:
    server: https://127.0.0.1:6443
    certificate-authority-data: $(base64 -w0 <"$MK_PKI/ca.crt")
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
