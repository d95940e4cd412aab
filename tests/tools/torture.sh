#!/usr/bin/env bash
# torture.sh [--cases N] [--seed N]: generated attacks on a gateway, a million by default, until one comes through.
# torture.sh --replay FILE: sends the bytes of one again (target/torture/), and prints what came of it.
# torture.sh --load ...: hostile load (tests/e2e/hostile_load.rs).
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
export KUBEGATE_TORTURE=smuggling KUBEGATE_CASES=1000000 KUBEGATE_SEED=$RANDOM$RANDOM
trial=smuggling::torture
while [ $# -gt 0 ]; do
    case "$1" in
        --cases) KUBEGATE_CASES=${2:?--cases wants a number} && shift ;;
        --seed) KUBEGATE_SEED=${2:?--seed wants a number} && shift ;;
        --replay) export KUBEGATE_REPLAY=${2:?--replay wants a file} && shift ;;
        --load) KUBEGATE_TORTURE=load trial=hostile_load::torture ;;
        *) echo "torture.sh: no '$1'; there are --cases N, --seed N, --replay FILE and --load" >&2; exit 2 ;;
    esac
    shift
done
tests/tools/prepare.sh envoy idp cluster binaries wasm
step "torture ($KUBEGATE_TORTURE)" '70 min for a million cases' \
    cargo test -q -p kubegate-tests --test e2e -- --exact "$trial"
