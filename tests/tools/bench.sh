#!/usr/bin/env bash
# bench.sh NAME [--record]: makes what a benchmark starts, optimised as for a release, and runs it.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
tests/tools/prepare.sh envoy wasm
step 'the benchmarks' '3 min the first time, then 2 s' cargo bench -q -p kubegate-tests --bench bench --no-run
exec cargo bench -q -p kubegate-tests --bench bench -- "$@"
