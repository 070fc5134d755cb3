#!/usr/bin/env bash
# Brings up a one-node cluster on this machine and runs the quick start on it. Can be run again at any time.
#
#   up.sh [--no-demo] [--embedded]
#
#   --no-demo    do not run the quick start
#   --embedded   keep the objects in an SQLite file instead of etcd
#
# Everything it makes: /opt/mini-kubernetes (the programs), /etc/kubernetes (certificates, kubeconfig files),
# /var/lib/mini-kubernetes and /var/lib/kubelet (state), /var/log/mini-kubernetes, /run/mini-kubernetes. down.sh stops it all.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/settings.sh"
. "$here/lib/packages.sh"
. "$here/lib/services.sh"
. "$here/lib/docker.sh"
. "$here/lib/pki.sh"

MK_DEMO=yes
MK_EMBEDDED=${MK_EMBEDDED:-}
for argument in "$@"; do
    case $argument in
    --no-demo) MK_DEMO= ;;
    --embedded) MK_EMBEDDED=yes ;;
    -h | --help)
        sed -n '2,10s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown argument $argument; see --help" ;;
    esac
done
[ "$(id -u)" = 0 ] || die "this must run as root: it starts dockerd, programs iptables and writes /etc/kubernetes"
mkdir -p "$MK_CONFIG" "$MK_STATE" "$MK_LOGS" "$MK_RUN"
chmod 700 "$MK_STATE"

kubectl_admin() { kubectl --kubeconfig "$MK_CONFIG/admin.conf" --request-timeout=5s "$@"; }
etcd_answers() { [[ $(curl -fsS -m 2 http://127.0.0.1:2379/health) == *true* ]]; }
api_ready() { kubectl_admin get --raw /readyz; }
dns_ready() { curl -fsS -m 2 -o /dev/null http://127.0.0.1:8181/ready; }
node_ready() { kubectl_admin get node "$MK_NODE_NAME" --no-headers | grep -qw Ready; }

start_store() {
    if [ -n "$MK_EMBEDDED" ]; then
        note "the objects are kept in $MK_STATE/apiserver.db"
        store_flags=(--storage-backend=sqlite --sqlite-path="$MK_STATE/apiserver.db")
        return
    fi
    store_flags=(--storage-backend=etcd3 --etcd-servers=http://127.0.0.1:2379)
    if etcd_answers >/dev/null 2>&1; then
        note "etcd runs already"
    elif has_systemd && systemctl cat etcd >/dev/null 2>&1; then
        systemctl enable -q --now etcd
    else
        start_service etcd "$(command -v etcd)" --name default --data-dir "$MK_STATE/etcd" \
            --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
            --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
            --initial-cluster default=http://127.0.0.1:2380
    fi
    wait_for 30 "etcd answers" etcd_answers
}

start_control_plane() {
    local ip=$1
    start_service kube-apiserver "$MK_VENV/bin/kube-apiserver" "${store_flags[@]}" \
        --advertise-address="$ip" --secure-port=6443 --allow-privileged=true \
        --tls-cert-file="$MK_PKI/apiserver.crt" --tls-private-key-file="$MK_PKI/apiserver.key" \
        --client-ca-file="$MK_PKI/ca.crt" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --service-cluster-ip-range="$MK_SERVICE_CIDR" --service-account-issuer=https://kubernetes.default.svc.cluster.local \
        --service-account-key-file="$MK_PKI/sa.pub" --service-account-signing-key-file="$MK_PKI/sa.key" \
        --kubelet-client-certificate="$MK_PKI/apiserver-kubelet-client.crt" \
        --kubelet-client-key="$MK_PKI/apiserver-kubelet-client.key" --kubelet-certificate-authority="$MK_PKI/ca.crt" \
        --requestheader-client-ca-file="$MK_PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
        --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
        --requestheader-extra-headers-prefix=X-Remote-Extra- --proxy-client-cert-file="$MK_PKI/front-proxy-client.crt" \
        --proxy-client-key-file="$MK_PKI/front-proxy-client.key" \
        --kubelet-preferred-address-types=InternalIP,Hostname --v=2
    wait_for 60 "the API server is ready (log: $MK_LOGS/kube-apiserver.log)" api_ready
    start_service kube-controller-manager "$MK_VENV/bin/kube-controller-manager" \
        --kubeconfig="$MK_CONFIG/controller-manager.conf" --root-ca-file="$MK_PKI/ca.crt" \
        --service-account-private-key-file="$MK_PKI/sa.key" --allocate-node-cidrs --cluster-cidr="$MK_CLUSTER_CIDR" \
        --use-service-account-credentials --cluster-signing-cert-file="$MK_PKI/ca.crt" --cluster-signing-key-file="$MK_PKI/ca.key" \
        --service-cluster-ip-range="$MK_SERVICE_CIDR" --v=2
    start_service kube-scheduler "$MK_VENV/bin/kube-scheduler" --kubeconfig="$MK_CONFIG/scheduler.conf" --v=2
}

# The Service has an address before the first pod's resolv.conf names it.
start_dns() {
    local ip=$1
    sed "s/10\.96\.0\.10/$MK_DNS_IP/" "$here/manifests/kube-dns.yaml" | kubectl_admin apply -f - >/dev/null ||
        die "the Service of the cluster's DNS could not be made"
    start_service kube-dns "$MK_VENV/bin/kube-dns" --kubeconfig="$MK_CONFIG/kube-dns.conf" \
        --hostname-override="$MK_NODE_NAME" --bind-address="$ip" --cluster-domain="$MK_CLUSTER_DOMAIN" --v=2
    wait_for 30 "the cluster's DNS is ready (log: $MK_LOGS/kube-dns.log)" dns_ready
}

start_node() {
    local ip=$1
    start_service kubelet "$MK_VENV/bin/kubelet" --kubeconfig="$MK_CONFIG/kubelet.conf" \
        --hostname-override="$MK_NODE_NAME" --node-ip="$ip" --client-ca-file="$MK_PKI/ca.crt" \
        --tls-cert-file="$MK_PKI/kubelet-server.crt" --tls-private-key-file="$MK_PKI/kubelet-server.key" \
        --cluster-dns="$MK_DNS_IP" --cluster-domain="$MK_CLUSTER_DOMAIN" --resolv-conf="$(resolv_conf)" --v=2
    start_service kube-proxy "$MK_VENV/bin/kube-proxy" --kubeconfig="$MK_CONFIG/kube-proxy.conf" \
        --hostname-override="$MK_NODE_NAME" --cluster-cidr="$MK_CLUSTER_CIDR" --v=2
    wait_for 60 "node $MK_NODE_NAME is Ready (logs: $MK_LOGS)" node_ready
}

say "Installing what is missing"
install_base
install_daemons
for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kube-dns; do
    ln -sf "$MK_VENV/bin/$name" "/usr/local/bin/$name"
done
ip=$(node_ip)
say "Certificates and kubeconfig files for $MK_NODE_NAME ($ip) in $MK_CONFIG"
make_pki "$ip"
say "Starting Docker"
start_docker
say "Starting the store"
start_store
say "Starting the control plane"
start_control_plane "$ip"
say "Starting the cluster's DNS"
start_dns "$ip"
say "Starting the node"
start_node "$ip"
say "Providing the images of the quick start"
provide_images busybox nginx tomcat
if [ -n "$MK_DEMO" ]; then
    say "The quick start"
    KUBECONFIG=$MK_CONFIG/admin.conf "$here/demo.sh"
fi
say "The cluster is up. To go on:"
cat <<EOF
    export KUBECONFIG=$MK_CONFIG/admin.conf
    kubectl get nodes,pods,svc -o wide
    kubectl create deployment nginx --image=nginx && kubectl expose deployment nginx --port=80 --type=NodePort
    $(has_systemd && echo "journalctl -fu kubelet" || echo "tail -f $MK_LOGS/kubelet.log")
    $here/down.sh
EOF
