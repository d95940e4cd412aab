#!/usr/bin/env bash
# torture.sh --load: everything that somebody can do who means harm and has time, against a world of real servers.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
case "${1:-}" in
    --load) what=load trial=hostile_load::torture ;;
    *) echo 'torture.sh: what? --load' >&2; exit 2 ;;
esac
tests/tools/prepare.sh envoy idp cluster binaries wasm
KUBEGATE_TORTURE=$what cargo test -q -p kubegate-tests --test e2e -- --exact "$trial" || exit 1
