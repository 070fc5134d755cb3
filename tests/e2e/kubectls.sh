#!/usr/bin/env bash
# Fetches the kubectl versions that the e2e tests drive the cluster with, as Debian packages of several releases.
#
#   kubectls.sh FOLDER     leaves FOLDER/1.20/kubectl and FOLDER/current/kubectl
set -euo pipefail
folder=${1:?the folder to put them in}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# fetch RELEASE PACKAGE NAME: the kubectl of that Debian release, unpacked, whatever release runs here.
fetch() {
    local release=$1 package=$2 name=$3 work mirror
    [ -x "$folder/$name/kubectl" ] && return
    mirror=$(grep -hoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null | head -n 1 | tr -d " " || true)
    work=$(mktemp -d)
    mkdir -p "$work"/{lists/partial,archives/partial}
    [ -n "$mirror" ] || {
        echo "error: apt names no Debian archive to take kubectl from" >&2
        return 1
    }
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$work/sources.list"
    local options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" -o "Dir::Cache::Archives=$work/archives" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" -qq update
    (cd "$work" && apt-get "${options[@]}" -qq download "$package/$release")
    dpkg-deb -x "$work"/"$package"_*.deb "$work/tree"
    mkdir -p "$folder/$name"
    cp "$work/tree/usr/bin/kubectl" "$folder/$name/kubectl"
    rm -rf "$work"
}

fetch bookworm kubernetes-client 1.20
fetch trixie kubectl current
"$folder/1.20/kubectl" version --client --short
"$folder/current/kubectl" version --client
