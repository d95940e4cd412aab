#!/usr/bin/env bash
# bench.sh NAME [OPTION...]: makes what a benchmark starts, optimised as for a release, and runs it.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
# These two are about core alone.
case "${1:-}" in
    micro) exec cargo bench -q --profile instructions -p kubegate-micro --bench micro -- "${@:2}" ;;
    instructions) exec cargo run -q --profile instructions -p kubegate-micro -- "${@:2}" ;;
esac
tests/tools/prepare.sh envoy wasm
step 'the control plane and the benchmarks, as for a release' '8 min the first time, then 2 s' \
    cargo build -q --release -p kubegate-control-plane -p kubegate-bench
exec target/release/kubegate-bench "$@"
