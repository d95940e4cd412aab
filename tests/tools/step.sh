#!/usr/bin/env bash
# step.sh TEXT USUAL COMMAND...: runs it with a progress line.
set -euo pipefail
source "$(dirname "$0")/env.sh"
step "$@"
