#!/usr/bin/env bash
# Builds the Docker image of which the lab's machines are made: Debian 12 with systemd, sshd, Docker, etcd and what else a
# real machine has before the archive is installed. From Docker Hub's debian image where that can be pulled, else from
# packages by mmdebstrap. The image is kept until this file changes.
#
#   image.sh PUBLIC_KEY_FILE      prints the image's name; PUBLIC_KEY_FILE may log in as root
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/settings.sh"
. "$here/../lib/packages.sh"
. "$here/../lib/docker.sh"

key=${1:?the public key that may log in}
packages=(systemd systemd-sysv dbus openssh-server sudo hostname procps kmod iproute2 iputils-ping curl ca-certificates
    python3 iptables conntrack docker.io etcd-server kubernetes-client openssl docker-registry busybox-static)
tag=mini-kubernetes-lab:$(cat "$here/image.sh" "$key" | sha256sum | cut -c 1-12)

# What is done in the file tree: nothing starts by itself that the session starts, and machines differ in their identity.
finish() {
    cat <<'SH'
systemctl disable etcd docker-registry
systemctl mask docker-registry e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer
rm -rf /var/lib/etcd/* /etc/machine-id /var/lib/apt/lists/* /var/cache/apt/* && touch /etc/machine-id
mkdir -p -m 700 /root/.ssh && cat >/root/.ssh/authorized_keys
SH
}

by_docker() {
    {
        echo "FROM debian:bookworm"
        echo "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages[*]}"
        echo "COPY key /key"
        echo "COPY finish /finish"
        echo "RUN sh -e /finish </key && rm /key /finish"
        echo 'CMD ["/sbin/init"]'
    } >"$work/Dockerfile"
    cp "$key" "$work/key"
    finish >"$work/finish"
    docker build -q -t "$tag" "$work" >&2
}

by_mmdebstrap() {
    command -v mmdebstrap >/dev/null || install_packages mmdebstrap >&2 ||
        die "debian:bookworm cannot be pulled and mmdebstrap is not here: no way to make the lab's image"
    local list
    list=$(
        IFS=,
        echo "${packages[*]}"
    )
    finish >"$work/finish"
    mapfile -t sources < <(debian_sources)
    mmdebstrap --quiet --mode=root --variant=minbase --include="$list" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook="chroot \"\$1\" sh -e -c '$(finish)' <'$key'" \
        "$(debian_suite)" "$work/image.tar" "${sources[@]}" >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        die "mmdebstrap failed"
    }
    docker import --change 'CMD ["/sbin/init"]' "$work/image.tar" "$tag" >/dev/null
}

if ! docker image inspect "$tag" >/dev/null 2>&1; then
    work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
    trap 'rm -rf "$work"' EXIT
    note "building the image of the lab's machines" >&2
    if timeout 60 docker pull -q debian:bookworm >/dev/null 2>&1; then by_docker; else by_mmdebstrap; fi
fi
echo "$tag"
