#!/usr/bin/env bash
# Prints the folder of Binaryen's tools (wasm-opt, wasm-as), installing them when they are missing. They are
# compiled to wasm themselves and run wherever Node does.
set -euo pipefail
source "$(dirname "$0")/env.sh"
version=132.0.0
home="$KUBEGATE_TOOLS/binaryen-$version"
if ! [ -f "$home/done" ]; then
    step 'wasm-opt' '10 s, once' npm install --silent --ignore-scripts --no-audit --no-fund --no-save \
        --prefix "$home" "binaryen@$version" >&2
    touch "$home/done"
fi
echo "$home/node_modules/binaryen/bin"
