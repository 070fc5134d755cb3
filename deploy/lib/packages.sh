# What the distribution brings: etcd, Docker, iptables, conntrack, kubectl, Python. Sourced, never run.

package_manager() {
    local tool
    for tool in apt-get dnf yum; do
        if command -v "$tool" >/dev/null; then
            echo "$tool"
            return
        fi
    done
    die "neither apt-get nor dnf nor yum is here; this script knows Debian and CentOS/Rocky"
}

MK_APT_UPDATED=
install_packages() {
    [ $# -gt 0 ] || return 0
    note "installing $*"
    case $(package_manager) in
    apt-get)
        if [ -z "$MK_APT_UPDATED" ]; then
            apt-get update -qq
            MK_APT_UPDATED=yes
        fi
        # Debian starts what it installs; a policy that says no is honoured by its scripts.
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$MK_LOGS/packages.log" 2>&1 ||
            {
                tail -n 20 "$MK_LOGS/packages.log" >&2
                return 1
            }
        ;;
    *)
        "$(package_manager)" install -y -q "$@" >"$MK_LOGS/packages.log" 2>&1 ||
            {
                tail -n 20 "$MK_LOGS/packages.log" >&2
                return 1
            }
        ;;
    esac
}

# The release that this machine runs, and the files that say where its packages come from, one per line.
debian_suite() { (. /etc/os-release && echo "$VERSION_CODENAME"); }
debian_sources() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
        if [ -s "$file" ] && grep -q debian "$file"; then echo "$file"; fi
    done
}

# missing COMMAND PACKAGE: prints the package where the command is not here.
missing() { command -v "$1" >/dev/null || echo "$2"; }

install_base() {
    local wanted=()
    if [ "$(package_manager)" = apt-get ]; then
        mapfile -t wanted < <(
            missing iptables-restore iptables
            missing conntrack conntrack
            missing openssl openssl
            missing ip iproute2
            missing curl curl
            missing dockerd docker.io
            missing sysctl procps
            "$(find_python || echo python3)" -c 'import venv, ensurepip' 2>/dev/null || echo python3-venv
            missing kubectl kubernetes-client
        )
        [ -n "$MK_EMBEDDED" ] || mapfile -t -O ${#wanted[@]} wanted < <(missing etcd etcd-server)
    else
        mapfile -t wanted < <(
            missing iptables-restore iptables-nft
            missing conntrack conntrack-tools
            missing openssl openssl
            missing ip iproute
            missing curl curl
            missing sysctl procps-ng
            find_python >/dev/null || echo python3.11
        )
    fi
    install_packages "${wanted[@]}" || die "the distribution's packages could not be installed"
    # From Debian 13 on, docker.io is the daemon alone.
    if [ "$(package_manager)" = apt-get ] && ! command -v docker >/dev/null; then
        install_packages docker-cli || die "the Docker client could not be installed"
    fi
    [ "$(package_manager)" = apt-get ] || install_rpm_extras
}

# CentOS and Rocky carry neither Docker nor kubectl themselves; their vendors' repositories do. etcd may be missing
# altogether: then the embedded store serves.
install_rpm_extras() {
    if ! command -v dockerd >/dev/null; then
        install_packages dnf-plugins-core
        "$(package_manager)" config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo
        install_packages docker-ce || die "Docker could not be installed"
    fi
    if ! command -v kubectl >/dev/null; then
        install_packages kubernetes-client || die "kubectl could not be installed; put one into the PATH and try again"
    fi
    if [ -z "$MK_EMBEDDED" ] && ! command -v etcd >/dev/null && ! install_packages etcd; then
        note "no etcd package here: using the embedded store"
        MK_EMBEDDED=yes
    fi
}

# A Python of 3.11 or later: the distribution's where it has one. It is built with more optimisation than one from source
# is by default, and no other user's home folder goes into what services run.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 /usr/bin/python3.{13,12,11} python3 python3.{13,12,11}; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# copy_source FOLDER: this checkout, without what was made in it. A build in place would leave its files there, and what an
# earlier one has left would get into the next.
copy_source() {
    tar -C "$MK_SOURCE" --exclude=./.git --exclude=./.venv --exclude=./.cache --exclude=./dist --exclude=./build \
        --exclude=__pycache__ --exclude='*.egg-info' -cf - . | tar -C "$1" --no-same-permissions -xf -
}

# The daemons in a virtual environment of their own, from this checkout and the locked dependencies.
install_daemons() {
    local python lock_sum
    python=$(find_python) || die "Python 3.11 or later is needed"
    lock_sum=$(sha256sum "$MK_SOURCE/requirements.lock" | cut -d ' ' -f 1)
    if [ ! -x "$MK_VENV/bin/python" ]; then
        note "making the virtual environment $MK_VENV"
        "$python" -m venv "$MK_VENV"
    fi
    if [ "$(cat "$MK_VENV/.requirements" 2>/dev/null)" != "$lock_sum" ]; then
        note "installing the locked dependencies from PyPI"
        "$MK_VENV/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$MK_SOURCE/requirements.lock"
        echo "$lock_sum" >"$MK_VENV/.requirements"
    fi
    note "installing the daemons from $MK_SOURCE"
    local copy
    copy=$(mktemp -d)
    copy_source "$copy"
    "$MK_VENV/bin/pip" install -q --disable-pip-version-check --no-deps --force-reinstall "$copy" || {
        rm -rf "$copy"
        die "the daemons could not be installed"
    }
    rm -rf "$copy"
    "$MK_VENV/bin/python" -m compileall -q "$MK_VENV/lib" >/dev/null || true
}
