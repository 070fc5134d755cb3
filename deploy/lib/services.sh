# Starting and stopping services: as systemd units where systemd runs, else as background processes with a pid file
# in $MK_RUN and a log in $MK_LOGS. Sourced, never run.

has_systemd() { [ -d /run/systemd/system ]; }

# The process of a pid file, if it is still that one: its command line must contain the program.
service_pid() {
    local name=$1 pid program
    [ -f "$MK_RUN/$name.pid" ] || return 1
    read -r pid program <"$MK_RUN/$name.pid" || return 1
    [ -r "/proc/$pid/cmdline" ] || return 1
    [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"$program"* ]] || return 1
    echo "$pid"
}

# start_service NAME PROGRAM ARG...: (re)starts it with these arguments.
start_service() {
    local name=$1 program=$2
    shift 2
    if has_systemd && [ -n "$(unit_variable "$name")" ]; then
        start_unit "$name" "$program" "$@"
        return
    fi
    stop_service "$name"
    if has_systemd; then
        systemd-run --quiet --collect --unit "mini-kubernetes-$name" "$program" "$@"
        note "$name runs as the transient systemd unit mini-kubernetes-$name"
        return
    fi
    setsid nohup "$program" "$@" >>"$MK_LOGS/$name.log" 2>&1 </dev/null &
    echo "$! $program" >"$MK_RUN/$name.pid"
    note "$name runs as process $!, log $MK_LOGS/$name.log"
}

# The variable of the unit's EnvironmentFile that holds the daemon's flags, as in the binary deployment guides.
unit_variable() {
    case $1 in
    kube-apiserver) echo apiserver KUBE_API_ARGS ;;
    kube-controller-manager) echo controller-manager KUBE_CONTROLLER_MANAGER_ARGS ;;
    kube-scheduler) echo scheduler KUBE_SCHEDULER_ARGS ;;
    kubelet) echo kubelet KUBELET_ARGS ;;
    kube-proxy) echo proxy KUBE_PROXY_ARGS ;;
    kube-dns) echo dns KUBE_DNS_ARGS ;;
    esac
}

start_unit() {
    local name=$1 program=$2 file variable
    shift 2
    read -r file variable < <(unit_variable "$name")
    printf '%s="%s"\n' "$variable" "$*" >"$MK_CONFIG/$file"
    sed "s#/usr/bin/$name#$program#" "$MK_SOURCE/deploy/systemd/$name.service" >"/etc/systemd/system/$name.service"
    systemctl daemon-reload
    systemctl enable -q "$name"
    systemctl restart "$name" || die "$name did not start: see journalctl -u $name"
    note "$name runs as a systemd unit"
}

# stop_service NAME: SIGTERM, then after 30 s SIGKILL; nothing to do where it does not run.
stop_service() {
    local name=$1 pid
    if has_systemd && [ -n "$(unit_variable "$name")" ] && [ -f "/etc/systemd/system/$name.service" ]; then
        systemctl disable -q --now "$name" || true
        rm -f "/etc/systemd/system/$name.service"
        systemctl daemon-reload
    fi
    if has_systemd && systemctl -q is-active "mini-kubernetes-$name"; then
        systemctl stop "mini-kubernetes-$name"
    fi
    if pid=$(service_pid "$name"); then
        kill -TERM "$pid" 2>/dev/null || true
        local end=$((SECONDS + 30))
        while kill -0 "$pid" 2>/dev/null && [ "$(awk '{print $3}' "/proc/$pid/stat" 2>/dev/null)" != Z ]; do
            if [ $SECONDS -ge $end ]; then
                note "$name did not stop within 30 s: killed"
                kill -KILL "$pid" 2>/dev/null || true
            fi
            sleep 0.1
        done
        note "$name stopped"
    fi
    rm -f "$MK_RUN/$name.pid"
}
