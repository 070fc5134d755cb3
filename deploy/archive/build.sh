#!/usr/bin/env bash
# Builds dist/mini-kubernetes-VERSION-linux-amd64.tar.gz: the daemons with every Python package they need, units, example
# EnvironmentFiles, install.sh and the scripts of deploy/system. It installs on a machine without internet that has Python
# 3.11, 3.12 or 3.13 and glibc 2.28 or later. The same checkout gives the same bytes.
#
#   build.sh [FOLDER]       the archive goes to FOLDER, by default dist/ of the checkout
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/settings.sh"
. "$here/../lib/packages.sh"

PYTHON_VERSIONS=(3.11 3.12 3.13)
# What a wheel may be built for to run with glibc 2.28, the oldest of the supported systems.
PLATFORMS=(manylinux_2_28 manylinux_2_27 manylinux_2_24 manylinux_2_17 manylinux2014 manylinux_2_12 manylinux2010 manylinux_2_5 manylinux1)

folder=${1:-$MK_SOURCE/dist}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$MK_SOURCE/pyproject.toml")
name=mini-kubernetes-$version-linux-amd64
cache=$MK_SOURCE/.cache/dist
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder" "$cache"
log=$cache/build.log
: >"$log"

# The moment that every file in the archive bears: that of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$MK_SOURCE" log -1 --format=%ct 2>/dev/null || echo 315532800)}
export SOURCE_DATE_EPOCH
umask 022

logged() {
    "$@" >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "$1 failed; the whole log is $log"
    }
}

# The environment that builds: pip and setuptools of fixed versions, kept from one build to the next.
build_tools() {
    local lock=$here/build-tools.lock python sum
    sum=$(sha256sum <"$lock" | cut -c 1-12)
    tools=$cache/tools-$sum
    [ ! -f "$tools/.complete" ] || return 0
    python=$(find_python) || die "Python 3.11 or later is needed"
    rm -rf "$tools"
    logged "$python" -m venv "$tools"
    logged "$tools/bin/pip" install --disable-pip-version-check --require-hashes -r "$lock"
    touch "$tools/.complete"
}

# Wheels of the locked packages for every supported Python, kept in the cache by the lock's checksum; and pip's own, so
# that the target machine needs none.
fetch_wheels() {
    local sum version platform arguments=()
    sum=$(cat "$MK_SOURCE/requirements.lock" "$here/build-tools.lock" "$here/build.sh" | sha256sum | cut -c 1-12)
    wheels=$cache/wheels-$sum
    [ ! -f "$wheels/.complete" ] || return 0
    note "fetching the locked packages for Python ${PYTHON_VERSIONS[*]}"
    rm -rf "$wheels"
    mkdir -p "$wheels"
    for platform in "${PLATFORMS[@]}"; do arguments+=(--platform "${platform}_x86_64"); done
    for version in "${PYTHON_VERSIONS[@]}"; do
        logged "$tools/bin/pip" download --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
            --implementation cp --python-version "$version" "${arguments[@]}" -r "$MK_SOURCE/requirements.lock" -d "$wheels"
    done
    grep -A 99 '^pip==' "$here/build-tools.lock" | sed -n '1,/[^\\]$/p' >"$work/pip.lock"
    logged "$tools/bin/pip" download --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r "$work/pip.lock" -d "$wheels"
    touch "$wheels/.complete"
}

# The project's own wheel.
build_wheel() {
    mkdir "$work/source"
    copy_source "$work/source"
    logged "$tools/bin/pip" wheel --disable-pip-version-check --no-deps --no-build-isolation -w "$1" "$work/source"
}

assemble() {
    local root=$work/$name
    mkdir -p "$root/wheels"
    build_wheel "$root/wheels"
    cp "$wheels"/*.whl "$root/wheels/"
    cp "$MK_SOURCE/requirements.lock" "$root/"
    cp "$here/install.sh" "$here/uninstall.sh" "$root/"
    cp -r "$MK_SOURCE/deploy/systemd" "$MK_SOURCE/deploy/system" "$MK_SOURCE/deploy/lib" "$MK_SOURCE/deploy/manifests" "$root/"
    cp "$MK_SOURCE/docs/THREE_MACHINES.md" "$root/"
    printf '%s\n' "$version" >"$root/VERSION"
    chmod -R u=rwX,go=rX "$root"
    (cd "$root" && find . -type f ! -name SHA256SUMS -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS)
    chmod 644 "$root/SHA256SUMS"
}

say "Building $name"
build_tools
fetch_wheels
assemble
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$name" |
    gzip -n -6 >"$work/$name.tar.gz"
mv "$work/$name.tar.gz" "$folder/"
(cd "$folder" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
note "$folder/$name.tar.gz ($(du -h "$folder/$name.tar.gz" | cut -f 1))"
