#!/usr/bin/env bash
# The quick start: a ReplicationController of two Tomcats behind NodePort 30001. Run by up.sh; needs a running cluster.
set -euo pipefail
. "$(dirname "$0")/lib/settings.sh"

export KUBECONFIG=${KUBECONFIG:-$MK_CONFIG/admin.conf}
cd "$MK_SOURCE/examples"

run() {
    printf '$ %s\n' "$*"
    "$@"
}

running_tomcats() {
    [ "$(kubectl get pods -l app=mytomcat --no-headers 2>/dev/null | grep -c '1/1 *Running')" -ge 2 ]
}
answers() { curl -fsS -m 5 "http://$1:30001/"; }

kubectl get rc mytomcat >/dev/null 2>&1 || run kubectl create -f mytomcat-rc.yaml
kubectl get svc mytomcat >/dev/null 2>&1 || run kubectl create -f mytomcat-svc.yaml
note "waiting for two Tomcats"
wait_for 180 "two pods of mytomcat run" running_tomcats
run kubectl get pods -o wide
run kubectl get svc
run kubectl get nodes -o wide
ip=$(node_ip)
wait_for 60 "Tomcat answers at http://$ip:30001" answers "$ip"
printf '$ curl http://%s:30001\n' "$ip"
answers "$ip" | sed -n 1,12p # which reads on to the end, as curl fails when nobody does
