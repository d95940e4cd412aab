#!/usr/bin/env bash
# Removes the tools that the commands of this project installed for this user.
set -euo pipefail
source "$(dirname "$0")/env.sh"
case "$KUBEGATE_TOOLS" in
    */kubegate/tools) rm -rf "$KUBEGATE_TOOLS" ;;
    *) echo "KUBEGATE_TOOLS is $KUBEGATE_TOOLS: remove that folder yourself" >&2; exit 1 ;;
esac
