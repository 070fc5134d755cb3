#!/usr/bin/env bash
# Provisions one machine of the lab, whatever it runs on, from the files that Vagrant has copied to /var/tmp/lab: what a
# person does by hand after docs/THREE_MACHINES.md, up to the point where the services are started.
#
#   machine.sh ROLE NAME=ADDRESS...      ROLE is master or node
#
# From the environment: KUBELET_FLAGS, and REGISTRY_MIRROR, from which Docker is to get images.
set -euo pipefail
role=$1
shift
export DEBIAN_FRONTEND=noninteractive
lab=/var/tmp/lab
name=
addresses=$(ip -4 -o addr show)
for host in "$@"; do
    if [[ $addresses == *" ${host#*=}/"* ]]; then name=${host%%=*}; fi
done
[ -n "$name" ] || {
    echo "error: this machine has none of the addresses $*" >&2
    exit 1
}

# What a fresh CentOS Stream box lacks. The Docker provider's image has everything.
install_prerequisites() {
    command -v dnf >/dev/null || return 0
    dnf install -y -q dnf-plugins-core
    dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo
    dnf install -y -q python3.11 docker-ce iptables-nft conntrack-tools openssl iproute policycoreutils-python-utils chrony
    systemctl enable -q --now chronyd
    [ "$role" = node ] || dnf install -y -q etcd ||
        echo "no etcd package here: put etcd and etcdctl of github.com/etcd-io/etcd/releases into /usr/bin and provision again" >&2
}

# Pods outlive a restart of dockerd. In the Docker provider the machines share one tree of cgroups, in which each Docker must
# stay below its own machine, and images come from the master's registry.
configure_docker() {
    local settings='"live-restore": true' parent
    [ -z "${REGISTRY_MIRROR:-}" ] || settings+=", \"registry-mirrors\": [\"$REGISTRY_MIRROR\"]"
    parent=$(sed -n 's#^[0-9]*:name=systemd:\(/docker/.*\)/init.scope$#\1#p' /proc/1/cgroup)
    [ -z "$parent" ] || settings+=", \"cgroup-parent\": \"$parent/pods\""
    mkdir -p /etc/docker
    echo "{$settings}" >/etc/docker/daemon.json
    systemctl restart docker
}

serve_images() {
    [ -d "$lab/images" ] || return 0
    printf '%s\n' 'version: 0.1' 'storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}' 'http: {addr: ":5000"}' \
        >/etc/docker/registry/config.yml
    systemctl unmask -q docker-registry
    systemctl enable -q docker-registry
    systemctl restart docker-registry
    local image
    for image in "$lab"/images/*.tar; do
        image=$(basename "$image" .tar)
        docker load -q -i "$lab/images/$image.tar" >/dev/null
        docker tag "$image:latest" "127.0.0.1:5000/library/$image:latest"
        docker push -q "127.0.0.1:5000/library/$image:latest" >/dev/null
        docker rmi "$image:latest" "127.0.0.1:5000/library/$image:latest" >/dev/null
    done
}

[ "$(hostname)" = "$name" ] || hostnamectl set-hostname "$name"
install_prerequisites
configure_docker
if [ "$role" = master ]; then serve_images; fi
mkdir -p "$lab/unpacked"
tar -C "$lab/unpacked" --strip-components=1 -xzf "$lab/archive.tar.gz"
"$lab/unpacked/install.sh"
"$lab/unpacked/system/$role.sh" --certificates "$lab/certificates" --kubelet-flags "${KUBELET_FLAGS:-}" "$@"
"$lab/unpacked/system/preflight.sh" "$role" "$@"
