# The daemons' EnvironmentFiles in $MK_CONFIG, made from the examples of deploy/systemd/environment. Sourced, never run;
# needs settings.sh, hosts.sh and find_self's answer.

# write_environment FOLDER NAME...: fills in the capital words of FOLDER/NAME. A file whose first line somebody has changed
# is theirs and is kept.
write_environment() {
    local folder=$1 name target flags
    shift
    flags=$(sed 's/[\\&#]/\\&/g' <<<"${NODE_FLAGS:-}") # as sed's replacement
    for name in "$@"; do
        target=$MK_CONFIG/$name
        if [ -s "$target" ] && ! is_made_here "$name" "$(head -n 1 "$target")"; then
            note "$target has been edited and is kept"
            continue
        fi
        # Not in comments: by the first line the file is known again.
        sed -e '/^#/b' -e "s#MASTER_ADDRESS#$MASTER_ADDRESS#g" -e "s#MASTER:#$MASTER_NAME:#g" \
            -e "s#NODE_NAME#$SELF_NAME#g" -e "s#NODE_ADDRESS#$SELF_ADDRESS#g" -e "s#NODE_FLAGS#$flags#g" \
            -e "s#SERVICE_CIDR#$MK_SERVICE_CIDR#g" -e "s#CLUSTER_CIDR#$MK_CLUSTER_CIDR#g" -e "s#DNS_ADDRESS#$MK_DNS_IP#g" -e "s#CLUSTER_DOMAIN#$MK_CLUSTER_DOMAIN#g" \
            "$folder/$name" >"$target.new"
        chmod 644 "$target.new"
        mv "$target.new" "$target"
    done
}
is_made_here() { [ "$2" = "$(head -n 1 "$EXAMPLES/$1")" ] || [ "$2" = "$(head -n 1 "$EXAMPLES/insecure/$1")" ]; }

# The objects that the cluster's DNS needs, for kubectl apply: its Service has the address that the kubelets are told.
write_dns_manifest() { sed "s/10\.96\.0\.10/$MK_DNS_IP/" "$MANIFESTS/kube-dns.yaml" >"$MK_CONFIG/kube-dns.yaml"; }

# install_certificates FOLDER: what certificates.sh made for this machine.
install_certificates() {
    local folder=$1
    [ -s "$folder/pki/ca.crt" ] || die "$folder is not a folder that certificates.sh made for a machine: no pki/ca.crt"
    [ "$(cat "$folder/pki/.issued-for")" = "$SELF_NAME $SELF_ADDRESS" ] ||
        die "$folder was made for $(cat "$folder/pki/.issued-for"), this machine is $SELF_NAME $SELF_ADDRESS"
    [ ! -s "$folder/pki/apiserver.crt" ] || [ -s "$folder/pki/front-proxy-client.crt" ] ||
        die "$folder was made before the API server needed pki/front-proxy-client.crt: run certificates.sh again, which adds it"
    mkdir -p "$MK_PKI"
    chmod 700 "$MK_PKI"
    cp "$folder"/*.conf "$MK_CONFIG/"
    cp "$folder"/pki/.issued-for "$folder"/pki/* "$MK_PKI/"
    chmod 600 "$MK_CONFIG"/*.conf "$MK_PKI"/*.key
}
