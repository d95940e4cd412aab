#!/usr/bin/env bash
# Fails when something that does I/O has entered the dependencies of core.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
for target in wasm32-wasip1 "$(rustc -vV | sed -n 's/^host: //p')"; do
    found=$(cargo tree -p kubegate-core -e normal --all-features --target "$target" --prefix none --format '{p}' |
        grep -E '^(tokio|proxy-wasm|axum|sqlx|hyper|reqwest|rustls|mio)(-[a-z-]+)? ' || true)
    if [ -n "$found" ]; then
        printf 'core must stay pure, but on %s it depends on:\n%s\n' "$target" "$found" >&2
        exit 1
    fi
done
echo 'core is pure: no I/O among its dependencies'
