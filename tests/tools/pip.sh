#!/usr/bin/env bash
# pip.sh NAME REQUIREMENT...: installs wheels into the private environment NAME of the tools folder.
set -euo pipefail
source "$(dirname "$0")/env.sh"
home="$KUBEGATE_TOOLS/$1"
shift
# A half-made environment (a Ctrl-C in the first second) has no pip: made anew.
[ -x "$home/bin/pip" ] || { rm -rf "$home" && python3 -m venv "$home"; }
exec "$home/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "$@"
