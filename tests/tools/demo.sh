#!/usr/bin/env bash
# Builds what the demo needs and starts it.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
case " $* " in
    *' --help '* | *' -h '*) ;;
    *' --kubeconfig'*) tests/tools/prepare.sh binaries wasm envoy kubectl ;;
    *) tests/tools/prepare.sh binaries wasm envoy cluster ;;
esac
[ -x target/debug/demo ] || cargo build -p kubegate-tests --bin demo
exec target/debug/demo "$@"
