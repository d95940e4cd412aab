#!/usr/bin/env bash
# npm.sh FOLDER: installs what its lock file names into its node_modules; at once when that has not changed.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT/$1"
stamp=node_modules/.of-lock
now=$(sha256sum package-lock.json)
if [ "$(cat "$stamp" 2>/dev/null)" != "$now" ]; then
    npm ci --silent --ignore-scripts --no-audit --no-fund
    printf '%s\n' "$now" >"$stamp"
fi
