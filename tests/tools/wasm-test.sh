#!/usr/bin/env bash
# Runs the tests of core as wasm under Node, with the runner that belongs to the wasm-bindgen of Cargo.lock.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
version=$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"/\1/p}' Cargo.lock)
bin=$(tests/tools/cargo-tool.sh wasm-bindgen-cli "$version" wasm-bindgen-test-runner '3 min')
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER="$bin/wasm-bindgen-test-runner"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test -p kubegate-core --lib --features authoring,signing --target wasm32-unknown-unknown "$@" 2>&1 | tee "$log"
# The runner calls it a success when it finds no test at all.
! grep -q '^no tests to run' "$log" || { echo 'no test of core is compiled to wasm' >&2; exit 1; }
