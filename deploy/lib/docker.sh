# Docker Engine, and a registry on loopback for machines that no image can be pulled to. Sourced, never run; needs settings.sh,
# packages.sh and services.sh.

docker_answers() { timeout 10 docker info >/dev/null 2>&1; }

start_docker() {
    if docker_answers; then
        note "Docker runs already"
        return
    fi
    if has_systemd; then
        systemctl enable -q --now docker || die "Docker did not start: see journalctl -u docker"
    else
        # A dockerd that was killed leaves its pid file, and the next one would refuse to start.
        rm -f /var/run/docker.pid
        start_service dockerd "$(command -v dockerd)"
    fi
    wait_for 60 "Docker answers" docker_answers
}

# Whether images come from the internet: the daemon itself is asked, as it may have a mirror or a proxy.
can_pull() { timeout 20 docker pull -q hello-world >/dev/null 2>&1; }

has_mirror() { docker info -f '{{json .RegistryConfig.Mirrors}}' | grep -qF "127.0.0.1:$MK_REGISTRY_PORT"; }

# Names the loopback registry in daemon.json, keeping whatever else is there; dockerd re-reads that on SIGHUP.
use_mirror() {
    mkdir -p /etc/docker
    "$(find_python)" - "$MK_REGISTRY_PORT" <<'PY'
import json, pathlib, sys

path = pathlib.Path("/etc/docker/daemon.json")
config = json.loads(path.read_text()) if path.exists() and path.read_text().strip() else {}
mirror = f"http://127.0.0.1:{sys.argv[1]}"
if mirror not in config.setdefault("registry-mirrors", []):
    config["registry-mirrors"].append(mirror)
    path.write_text(json.dumps(config, indent=2) + "\n")
PY
    has_mirror && return
    kill -HUP "$(cat /var/run/docker.pid)"
    wait_for 20 "dockerd takes the registry mirror" has_mirror
}

forget_mirror() {
    [ -f /etc/docker/daemon.json ] || return 0
    "$(find_python)" - "$MK_REGISTRY_PORT" <<'PY'
import json, pathlib, sys

path = pathlib.Path("/etc/docker/daemon.json")
config = json.loads(path.read_text() or "{}")
mirrors = [m for m in config.get("registry-mirrors", []) if m != f"http://127.0.0.1:{sys.argv[1]}"]
config.pop("registry-mirrors", None)
if mirrors:
    config["registry-mirrors"] = mirrors
if config:
    path.write_text(json.dumps(config, indent=2) + "\n")
else:
    path.unlink()
PY
    if [ -f /var/run/docker.pid ]; then
        kill -HUP "$(cat /var/run/docker.pid)" 2>/dev/null || true
    fi
}

registry_answers() { curl -fsS -m 2 "http://127.0.0.1:$MK_REGISTRY_PORT/v2/"; }

install_registry() {
    command -v docker-registry >/dev/null && return
    install_packages docker-registry || die "no registry could be installed"
    if has_systemd; then
        systemctl disable -q --now docker-registry 2>/dev/null || true # the package's own instance, on all addresses
    fi
}

start_registry() {
    registry_answers >/dev/null 2>&1 && return
    install_registry
    mkdir -p "$MK_STATE/registry"
    cat >"$MK_CONFIG/registry.yml" <<YAML
version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: $MK_STATE/registry
  delete:
    enabled: true
http:
  addr: 127.0.0.1:$MK_REGISTRY_PORT
YAML
    start_service registry "$(command -v docker-registry)" serve "$MK_CONFIG/registry.yml"
    wait_for 20 "the registry answers" registry_answers
}

registry_has() { curl -fsS -m 5 -o /dev/null "http://127.0.0.1:$MK_REGISTRY_PORT/v2/library/$1/manifests/latest" 2>/dev/null; }

# provide_images NAME...: sees to it that dockerd can pull these official images: from the internet, or else built here.
provide_images() {
    local name wanted=()
    if ! has_mirror && can_pull; then
        note "images are pulled from the internet"
        return
    fi
    note "no image can be pulled from the internet: a registry on 127.0.0.1:$MK_REGISTRY_PORT serves them"
    command -v mmdebstrap >/dev/null || install_packages mmdebstrap || die "mmdebstrap is needed to build images here"
    start_registry
    use_mirror
    for name in "$@"; do
        registry_has "$name" || wanted+=("$name")
    done
    [ ${#wanted[@]} -gt 0 ] || return 0
    note "building from distribution packages:"
    "$MK_SOURCE/deploy/images/build.sh" "127.0.0.1:$MK_REGISTRY_PORT" "${wanted[@]}" || die "the images could not be built"
}
