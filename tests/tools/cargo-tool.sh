#!/usr/bin/env bash
# cargo-tool.sh CRATE VERSION BINARY USUAL: builds a tool once per version and prints the folder of its binaries.
set -euo pipefail
source "$(dirname "$0")/env.sh"
crate=$1 version=$2 binary=$3 usual=$4
home="$KUBEGATE_TOOLS/$crate-$version"
if ! [ -x "$home/bin/$binary" ]; then
    mkdir -p "$KUBEGATE_TOOLS"
    # Quick to build matters more here than quick to run.
    export CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$KUBEGATE_TOOLS/build-$crate"
    install() {
        # Its own lock file first; a registry mirror that lacks a version named there gets a free choice.
        cargo install --quiet --profile dev --root "$home" "$crate" --version "=$version" --locked ||
            cargo install --quiet --profile dev --root "$home" "$crate" --version "=$version"
    }
    step "building $crate $version" "$usual, once" install
    rm -rf "$CARGO_TARGET_DIR"
fi
echo "$home/bin"
