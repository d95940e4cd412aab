#!/usr/bin/env bash
# screenshots.sh: makes the pictures of docs/images from a demo that it starts and stops.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
tests/tools/prepare.sh binaries wasm envoy cluster pages

description=target/demo/demo.json
echo "==> the demo (usually 6 s)" >&2
target/debug/demo >/dev/null &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" || true' EXIT
# A demo that could not stop in order left its description: this one's has this one's process in it.
until grep -qs "\"pid\": $demo\$" "$description"; do
    kill -0 "$demo" 2>/dev/null || { echo 'the demo did not start' >&2; exit 1; }
    sleep 0.2
done
step 'pictures of the pages and of a terminal' '10 s' node tests/pages/screenshots.js "$description" docs/images
ls -l docs/images
