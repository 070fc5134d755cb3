#!/usr/bin/env bash
# Makes in .cache/lab what the lab's machines are made of: the archive, certificates, a key to log in with and, for the Docker
# provider, the machines' image and the images that their pods use. What is there and current is kept. The Vagrantfile runs
# it before machines come up.
#
#   prepare.sh FOLDER PROVIDER NAME=ADDRESS...      PROVIDER is vagrant's: docker, virtualbox, libvirt
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/settings.sh"
. "$here/../lib/packages.sh"
. "$here/../lib/services.sh"
. "$here/../lib/docker.sh"

folder=$1 provider=$2
shift 2
mkdir -p "$folder"

# The archive of this checkout as it is now, committed or not.
make_archive() {
    local sum
    sum=$(cd "$MK_SOURCE" && find . \( -name .git -o -name .venv -o -name .cache -o -name dist -o -name build -o -name __pycache__ -o -name '.*_cache' \) -prune \
        -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
    if [ "$(cat "$folder/archive.sum" 2>/dev/null)" != "$sum" ]; then
        "$here/../archive/build.sh" "$folder/archive.new"
        mv "$folder"/archive.new/*.tar.gz "$folder/archive.tar.gz"
        rm -rf "$folder/archive.new"
        echo "$sum" >"$folder/archive.sum"
    fi
}

make_key() {
    [ -s "$folder/key" ] || ssh-keygen -q -t ed25519 -N '' -C mini-kubernetes-lab -f "$folder/key"
}

# The pods' images as files, for the registry that the master of the lab runs: its machines then need no internet.
save_images() {
    local name had_registry=
    mkdir -p "$folder/images"
    ! registry_answers >/dev/null 2>&1 || had_registry=yes
    for name in busybox nginx; do
        [ ! -s "$folder/images/$name.tar" ] || continue
        mkdir -p "$MK_CONFIG" "$MK_STATE" "$MK_LOGS" "$MK_RUN"
        docker pull -q "$name" >/dev/null 2>&1 || provide_images busybox nginx
        docker pull -q "$name" >/dev/null
        docker save -o "$folder/images/$name.tar.new" "$name:latest"
        mv "$folder/images/$name.tar.new" "$folder/images/$name.tar"
    done
    [ -n "$had_registry" ] || stop_service registry
}

make_archive
make_key
"$here/../system/certificates.sh" "$folder/certificates" "$@"
if [ "$provider" = docker ]; then
    save_images
    "$here/image.sh" "$folder/key.pub" >"$folder/image.new"
    mv "$folder/image.new" "$folder/image"
fi
