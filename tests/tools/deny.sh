#!/usr/bin/env bash
# cargo-deny by deny.toml.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
PATH="$(tests/tools/cargo-tool.sh cargo-deny 0.20.2 cargo-deny '5 min'):$PATH"
cargo deny --log-level warn check --hide-inclusion-graph bans licenses sources
# The advisories' database is a git repository, which not every machine reaches (a build network with package
# registries only, say): asked where it can be, and its absence is said, never taken for a clean answer.
if timeout 20 git ls-remote --quiet https://github.com/rustsec/advisory-db HEAD >/dev/null 2>&1; then
    cargo deny --log-level warn check advisories
else
    echo 'advisories: NOT checked, their database cannot be reached from here' >&2
fi
