#!/usr/bin/env bash
# bench.sh NAME [--quick] [--record]: makes what a benchmark starts, optimised as for a release, and runs it.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
tests/tools/prepare.sh envoy wasm
step 'the control plane and the benchmarks, as for a release' '8 min the first time, then 2 s' \
    cargo build -q --release -p kubegate-control-plane -p kubegate-bench
exec target/release/kubegate-bench "$@"
