# What run.sh and down.sh share. Sourced, never run.

library=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# A pod network of this machine's own would masquerade the lab's packets as its pods', as they pass the same kernel.
if [ -e /sys/class/net/cni0 ]; then export MK_CLUSTER_CIDR=${MK_CLUSTER_CIDR:-10.245.0.0/16}; fi
. "$library/../lib/settings.sh"
. "$library/../lib/packages.sh"
. "$library/../lib/services.sh"
. "$library/../lib/docker.sh"

export MK_LAB=${MK_LAB:-$MK_SOURCE/.cache/lab}
export MK_LAB_PREFIX=${MK_LAB_PREFIX:-mini-kubernetes-lab}
LAB_MACHINES=(master node1 node2)
LAB_NETWORK=192.168.52.0/24

# Everything that Vagrant keeps lies in $MK_LAB, nothing in the user's home.
export VAGRANT_HOME=$MK_LAB/vagrant-home VAGRANT_DOTFILE_PATH=$MK_LAB/vagrant VAGRANT_CHECKPOINT_DISABLE=1

lab_vagrant() { (cd "$library" && vagrant "$@"); }
