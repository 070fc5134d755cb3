#!/usr/bin/env bash
# Removes the lab's machines, their network and volumes.
#
#   down.sh [--quiet] [--purge]
#
#   --purge      also forget what they were made of: archive, certificates, images
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lab.sh"

quiet= purge=
for argument in "$@"; do
    case $argument in
    --quiet) quiet=yes ;;
    --purge) purge=yes ;;
    *) die "unknown argument $argument: down.sh [--quiet] [--purge]" ;;
    esac
done

if command -v vagrant >/dev/null && [ -d "$VAGRANT_DOTFILE_PATH" ] && [ -s "$MK_LAB/image" ]; then
    if [ -n "$quiet" ]; then lab_vagrant destroy -f >/dev/null; else lab_vagrant destroy -f; fi
fi
# Whatever Vagrant does not know of, as after its folder was deleted.
for name in "${LAB_MACHINES[@]}"; do docker rm -f -v "$MK_LAB_PREFIX-$name" >/dev/null 2>&1 || true; done
docker network rm "vagrant_network_${LAB_NETWORK}" >/dev/null 2>&1 || true
if [ -n "$purge" ]; then
    if [ -s "$MK_LAB/image" ]; then docker rmi "$(cat "$MK_LAB/image")" >/dev/null 2>&1 || true; fi
    rm -rf "$MK_LAB"
fi
[ -n "$quiet" ] || say "The lab is gone"
