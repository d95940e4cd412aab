#!/usr/bin/env bash
# Are the Go sources formatted?
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
unformatted=$(gofmt -l tests/cluster)
[ -z "$unformatted" ] || { printf 'not formatted (gofmt -w):\n%s\n' "$unformatted" >&2; exit 1; }
