#!/usr/bin/env bash
# Builds the images of the quick start from Debian packages and pushes them to a registry on loopback, for machines that
# no image can be pulled to. Each is a file tree of unpacked packages with BusyBox as its shell.
#
#   build.sh REGISTRY [NAME...]     e.g. build.sh 127.0.0.1:5000 tomcat nginx busybox
set -euo pipefail
. "$(dirname "$0")/../lib/settings.sh"
. "$(dirname "$0")/../lib/packages.sh"

registry=${1:?the registry, as HOST:PORT}
shift
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(busybox nginx tomcat)

command -v mmdebstrap >/dev/null || {
    echo "error: mmdebstrap is needed to build images from packages (Debian and its derivatives only)" >&2
    exit 1
}
work=$(mktemp -d -p /var/tmp) # programs are run from it, which a /tmp may forbid
trap 'rm -rf "$work"' EXIT
suite=$(debian_suite)
mapfile -t sources < <(debian_sources)

# tree NAME PACKAGE...: unpacks the packages, with what every image has, into $work/NAME.
tree() {
    local name=$1 packages
    shift
    packages=$(
        IFS=,
        echo "$*"
    )
    mmdebstrap --quiet --mode=root --variant=extract --format=directory \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="busybox-static,$packages" "$suite" "$work/$name" "${sources[@]}" 2>"$work/$name.log" || {
        cat "$work/$name.log" >&2
        return 1
    }
    local root=$work/$name
    rm -rf "$root"/dev/* "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale" "$root/var/lib/dpkg" "$root/etc/apt"
    mkdir -p "$root"/{tmp,run,root,proc,sys,dev} "$root/var/log" "$root"/usr/{bin,sbin,lib}
    chmod 1777 "$root/tmp"
    # Packages of a release whose /usr is merged expect these links, which no maintainer script has made here.
    local folder
    for folder in bin sbin lib lib64; do
        [ -e "$root/$folder" ] || ln -s "usr/$folder" "$root/$folder"
    done
    chroot "$root" /bin/busybox --install -s
    printf 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n' >"$root/etc/group"
    echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
}

# publish NAME TAG DOCKERFILE_LINE...: imports $work/NAME with these instructions and pushes it under docker.io's path for
# official images, which is what dockerd asks a mirror for.
publish() {
    local name=$1 tag=$2 target line changes=()
    shift 2
    target=$registry/library/$name:$tag
    for line in "$@"; do changes+=(--change "$line"); done
    tar -C "$work/$name" -cf - . | docker import "${changes[@]}" - "$target" >/dev/null
    docker push -q "$target" >/dev/null
    docker rmi "$target" >/dev/null
    echo "    $name:$tag"
}

build_busybox() {
    tree busybox
    publish busybox latest 'CMD ["sh"]'
}

build_nginx() {
    tree nginx nginx curl
    cat >"$work/nginx/etc/nginx/nginx.conf" <<'CONF'
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 1024; }
http {
    include mime.types;
    access_log /dev/stdout;
    server {
        listen 80;
        root /usr/share/nginx/html;
    }
}
CONF
    mkdir -p "$work/nginx/var/lib/nginx" "$work/nginx/var/log/nginx"
    local run='CMD ["nginx", "-g", "daemon off;"]'
    publish nginx latest 'EXPOSE 80' "$run"
    publish nginx other 'EXPOSE 80' 'ENV NGINX_VARIANT=other' "$run"
}

build_tomcat() {
    tree tomcat tomcat10 default-jre-headless
    local root=$work/tomcat base=/usr/local/tomcat java
    java=$(cd "$root" && ls -d usr/lib/jvm/java-*-openjdk-*/ | head -n 1)
    mkdir -p "$root$base"/{conf,lib,logs,temp,work,webapps}
    cp -r "$root"/usr/share/tomcat10/etc/. "$root$base/conf/"
    cp -r "$root"/usr/share/tomcat10-root/default_root "$root$base/webapps/ROOT"
    publish tomcat latest 'EXPOSE 8080' "WORKDIR $base" \
        "ENV JAVA_HOME=/${java%/} CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE=$base CATALINA_TMPDIR=$base/temp JAVA_OPTS=-Djava.awt.headless=true" \
        'CMD ["sh", "/usr/share/tomcat10/bin/catalina.sh", "run"]'
}

for name in "${names[@]}"; do
    "build_$name"
done
