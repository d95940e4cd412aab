#!/usr/bin/env bash
# prepare.sh [PART...]: makes what the demo and the end-to-end suite start; all of it without arguments.
# A part that is up to date takes about a second.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"

[ $# -gt 0 ] || set -- envoy idp keycloak pages cluster binaries wasm
for part in "$@"; do
    case "$part" in
        envoy) step 'Envoy' '20 s the first time, then 1 s' tests/tools/envoy.sh >/dev/null ;;
        keycloak)
            step 'another identity provider, Keycloak' '40 s the first time, then 1 s' \
                tests/tools/keycloak.sh >/dev/null ;;
        idp) step 'identity provider for the tests' '10 s the first time, then 1 s' tests/tools/npm.sh tests/idp ;;
        pages) step "browser's driver for the pages" '10 s the first time, then 1 s' tests/tools/npm.sh tests/pages ;;
        cluster | kubectl)
            step 'test cluster: kube-apiserver, kubelet and kubectl' '6 min the first time, then 1 s' \
                tests/cluster/build.sh >/dev/null ;;
        binaries)
            step 'kubegate, the control plane and the demo' '6 min the first time, then 2 s' \
                cargo build -q -p kubegate -p kubegate-control-plane -p kubegate-tests --bins ;;
        wasm) tests/tools/wasm.sh ;;
        *) echo "prepare.sh: no part '$part'" >&2; exit 2 ;;
    esac
done
