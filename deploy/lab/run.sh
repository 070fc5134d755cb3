#!/usr/bin/env bash
# Brings up the lab from nothing, as systemd containers on this machine, and runs the guide's session on it (tests/lab). Root.
#
#   run.sh [--up-only | --keep]
#
#   --up-only    bring it up, prepared to the point where the services are started, and leave it so
#   --keep       leave the lab as the session leaves it: its last steps uninstall everything
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lab.sh"

session=yes keep=
case ${1:-} in
--up-only) session= keep=yes ;;
--keep) keep=yes ;;
'') ;;
*) die "unknown argument $1: run.sh [--up-only | --keep]" ;;
esac
[ "$(id -u)" = 0 ] || die "this must run as root: the lab's machines are containers that run systemd"
mkdir -p "$MK_LOGS" "$MK_RUN" "$MK_CONFIG" "$MK_STATE"

# What happened on the machines, kept where the session failed.
keep_journals() {
    local name
    mkdir -p "$MK_LAB/logs"
    for name in "${LAB_MACHINES[@]}"; do
        docker exec "$MK_LAB_PREFIX-$name" journalctl --no-pager -b >"$MK_LAB/logs/$name.log" 2>&1 || true
    done
    note "the machines' journals are in $MK_LAB/logs"
}

say "Bringing up the lab"
started_docker=
docker_answers || {
    start_docker
    started_docker=yes
}
command -v vagrant >/dev/null || install_packages vagrant || die "vagrant is needed: https://developer.hashicorp.com/vagrant/install"
command -v ssh-keygen >/dev/null || install_packages openssh-client
"$here/down.sh" --quiet
# Vagrant looks at every container of the host to find free ports and stumbles over one that goes away meanwhile: then the
# machines that are missing come up at the second try.
lab_vagrant up --provider=docker || lab_vagrant up --provider=docker
[ -n "$session" ] || exit 0

say "The guide's session"
result=0
"$MK_SOURCE/tests/run.sh" tests/lab || result=$?
[ $result = 0 ] || keep_journals
if [ -z "$keep" ]; then
    "$here/down.sh" --quiet
    if [ -n "$started_docker" ]; then stop_service dockerd; fi
fi
exit $result
