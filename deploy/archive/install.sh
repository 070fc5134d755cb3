#!/usr/bin/env bash
# Installs the daemons from the unpacked archive: no internet, no package manager. Can be run again, also to upgrade; running
# daemons go on with the old programs until they are restarted.
#
#   install.sh
#
# Makes: /usr/lib/mini-kubernetes (one folder per release, `current` is the one in use), /usr/bin/kube* (links into it),
# /usr/lib/systemd/system/*.service, /etc/kubernetes/* (EnvironmentFiles; existing ones are kept). uninstall.sh removes it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/settings.sh"
. "$here/lib/packages.sh"

[ $# = 0 ] || die "no arguments are known: $*"
[ "$(id -u)" = 0 ] || die "this must run as root"
[ "$(uname -m)" = x86_64 ] || die "this archive is for x86_64, this machine is $(uname -m)"
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || die "the archive is damaged: files differ from SHA256SUMS"
python=$(find_python) || die "Python 3.11 or later is needed: python3 of Debian 12 and 13, python3.11 of CentOS Stream 9"
"$python" -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || die "$python is too new: this archive has packages for Python 3.11 to 3.13"

version=$(cat "$here/VERSION")
release=$MK_PREFIX/$version-$(sha256sum <"$here/SHA256SUMS" | cut -c 1-12)

# A release is complete or not there: it is used only once `current` points to it.
install_release() {
    if [ -f "$release/.complete" ]; then
        note "release ${release##*/} is installed already"
        return
    fi
    note "installing release ${release##*/} with $("$python" -V)"
    rm -rf "$release"
    mkdir -p "$MK_PREFIX"
    chmod 755 "$MK_PREFIX"
    "$python" -m venv --without-pip "$release"
    # pip runs out of its own wheel and is not installed: nothing is to be added later.
    set -- "$release/bin/python" "$(echo "$here"/wheels/pip-*.whl)/pip" --isolated --disable-pip-version-check install -q \
        --root-user-action=ignore --no-index --find-links "$here/wheels"
    "$@" --no-deps --require-hashes -r "$here/requirements.lock"
    "$@" --no-deps "$here"/wheels/mini_kubernetes-*.whl
    mkdir "$release/share"
    cp -r "$here/uninstall.sh" "$here/VERSION" "$here/lib" "$here/system" "$here/systemd" "$here/manifests" "$release/share/"
    touch "$release/.complete"
}

use_release() {
    local previous program old
    previous=$(readlink "$MK_PREFIX/current" || true)
    ln -sfn "${release##*/}" "$MK_PREFIX/current.new"
    mv -T "$MK_PREFIX/current.new" "$MK_PREFIX/current"
    for program in "$release"/bin/kube*; do
        ln -sfn "$MK_PREFIX/current/bin/${program##*/}" "/usr/bin/${program##*/}"
    done
    # The previous release stays until the next upgrade, as running daemons may still import from it. Installing the same one
    # again is no upgrade.
    [ "$previous" != "${release##*/}" ] || return 0
    for old in "$MK_PREFIX"/*-*; do
        case ${old##*/} in "${release##*/}" | "$previous") ;; *) rm -rf "$old" ;; esac
    done
}

# The distribution's own etcd.service is left alone: ours, which the master's EnvironmentFile and hardening are made for,
# then lies in /etc/systemd/system, where systemd prefers it.
install_units() {
    local unit folder
    mkdir -p "$MK_UNITS"
    for unit in "$here"/systemd/*.service; do
        folder=$MK_UNITS
        if [ "${unit##*/}" = etcd.service ]; then
            command -v etcd >/dev/null || continue
            id etcd >/dev/null 2>&1 || useradd --system --home-dir /var/lib/etcd --shell /usr/sbin/nologin etcd
            if [ -f "$MK_UNITS/etcd.service" ] && ! grep -q "^# mini-kubernetes" "$MK_UNITS/etcd.service"; then
                folder=/etc/systemd/system
            fi
        fi
        install -m 644 "$unit" "$folder/"
    done
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
}

install_environment_files() {
    local file
    mkdir -p "$MK_CONFIG"
    for file in "$here"/systemd/environment/*; do
        if [ -f "$file" ] && [ ! -e "$MK_CONFIG/${file##*/}" ]; then install -m 644 "$file" "$MK_CONFIG/"; fi
    done
}

say "Installing mini-kubernetes $version"
install_release
use_release
install_units
install_environment_files
note "programs: $(cd "$release/bin" && echo kube*)"
note "next: system/preflight.sh ROLE, then system/master.sh or system/node.sh; see THREE_MACHINES.md"
