#!/usr/bin/env bash
# Builds the filter, takes out what Envoy need not call, optimises it where Node is there, and checks its size.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
limit=$((1200 * 1024)) # a third of it evaluates conditions
built=target/wasm32-wasip1/wasm/kubegate_filter.wasm
out=target/wasm/kubegate_filter.wasm

step 'the filter as wasm' '1 min the first time, then 1 s' \
    cargo build -q -p kubegate-filter --target wasm32-wasip1 --profile wasm

mkdir -p target/wasm
work=$(mktemp -d target/wasm/work.XXXXXX)
trap 'rm -rf "$work"' EXIT
inputs=$(sha256sum "$built" tests/tools/wasm.sh tests/tools/wasm-exports.py tests/tools/binaryen.sh; command -v node || true)
if [ -f "$out" ] && [ "$(cat target/wasm/inputs 2>/dev/null)" = "$inputs" ]; then exit 0; fi
rm -f target/wasm/inputs

python3 tests/tools/wasm-exports.py "$built" "$work/exports.wasm"
if command -v npm >/dev/null; then
    binaryen=$(tests/tools/binaryen.sh)
    step 'optimising the filter' '30 s' node "$binaryen/wasm-opt" -O3 \
        --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
        --enable-multivalue --enable-reference-types --strip-debug --strip-producers \
        "$work/exports.wasm" -o "$work/out.wasm"
else
    echo '    no Node.js here: the filter is used as the compiler made it (works the same, a little larger)' >&2
    mv "$work/exports.wasm" "$work/out.wasm"
fi
size=$(stat -c %s "$work/out.wasm")
if [ "$size" -gt "$limit" ]; then
    echo "the filter has $size bytes, more than the $limit that it may have" >&2
    exit 1
fi
# By rename: an Envoy that loads it meanwhile sees the old or the new one.
mv "$work/out.wasm" "$out"
printf '%s\n' "$inputs" >target/wasm/inputs
echo "    $out: $size bytes (limit $limit)" >&2
