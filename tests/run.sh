#!/usr/bin/env bash
# Installs what is missing and runs every check and test; run as root from anywhere.
#
#   run.sh [PYTEST_ARGUMENT...]       with arguments, pytest runs just those, without the static checks
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. deploy/lib/settings.sh
. deploy/lib/packages.sh
. deploy/lib/services.sh
. deploy/lib/docker.sh

[ "$(id -u)" = 0 ] || die "the node and e2e tests need root: they use Docker, iptables and network namespaces"
MK_EMBEDDED=
mkdir -p "$MK_CONFIG" "$MK_STATE" "$MK_LOGS" "$MK_RUN" .cache

say "Installing what is missing"
install_base
command -v busybox >/dev/null || install_packages busybox-static # what the node tests' images are made of
install_registry # where a test's image arrives late
[ -x /usr/lib/cni/bridge ] || [ -x /usr/libexec/cni/bridge ] || install_packages containernetworking-plugins
python=$(find_python) || die "Python 3.11 or later is needed"
[ -x .venv/bin/python ] || "$python" -m venv .venv
lock_sum=$(cat requirements.lock requirements-dev.lock | sha256sum | cut -d ' ' -f 1)
if [ "$(cat .venv/.requirements 2>/dev/null)" != "$lock_sum" ]; then
    note "installing the locked dependencies from PyPI"
    .venv/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
    echo "$lock_sum" >.venv/.requirements
fi
export PATH=$root/.venv/bin:$PATH
"$root/tests/e2e/kubectls.sh" "$root/.cache/kubectl"
export TMPDIR=/var/tmp # programs are run from the tests' temporary folders, which a /tmp may forbid

if [ $# -gt 0 ]; then
    exec python -m pytest "$@"
fi

say "Static checks"
ruff check .
ruff format --check .
mypy .
lint-imports

say "Unit, contract and integration tests"
python -m pytest tests/unit tests/contract tests/integration

say "Node and e2e tests: a real cluster on this machine"
start_docker
python -m pytest tests/node
deploy/up.sh --no-demo
python -m pytest tests/e2e

say "The guide's session on three machines, as containers"
deploy/lab/run.sh
