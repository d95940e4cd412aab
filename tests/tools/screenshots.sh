#!/usr/bin/env bash
# screenshots.sh: makes the pictures of docs/images from a demo that it starts and stops.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
tests/tools/prepare.sh binaries wasm envoy cluster pages

# Providers that nobody asks: the pages have some to show.
more=target/pictures
mkdir -p "$more"
printf 'a-token-for-pictures-only-%.0s' 1 2 >"$more/token"
cat >"$more/config.json" <<END
{
  "providers": [
    {"id": "company", "name": "Example company", "issuer": "https://login.example.com", "clientId": "kubegate",
     "domains": ["example.com"], "userPrefix": "company:", "groupPrefix": "company:", "groups": {"from": "scim"},
     "scim": {"tokenFile": "$PWD/$more/token", "link": {"attribute": "userName", "claim": "email"}}},
    {"id": "partner", "name": "Example partner", "issuer": "https://id.partner.example", "clientId": "kubegate",
     "userPrefix": "partner:", "groupPrefix": "partner:", "groups": {"from": "userinfo"}},
    {"id": "github", "type": "github", "name": "GitHub", "organizations": ["example"], "clientId": "kubegate",
     "clientSecretFile": "$PWD/$more/token", "userPrefix": "github:", "groupPrefix": "github:"}
  ],
  "workloads": [
    {"id": "ci", "issuer": "https://token.actions.githubusercontent.com",
     "audience": "https://kubegate.example.com/workloads/ci", "userPrefix": "ci:",
     "requiredClaims": {"repository_owner_id": "1234567"}, "rules": [{"user": "{repository}"}]}
  ],
  "pomerium": {"enabled": true}
}
END

description=target/demo/demo.json
echo "==> the demo (usually 6 s)" >&2
target/debug/demo --config "$more/config.json" >/dev/null &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" || true' EXIT
# A demo that could not stop in order left its description: this one's has this one's process in it.
until grep -qs "\"pid\": $demo\$" "$description"; do
    kill -0 "$demo" 2>/dev/null || { echo 'the demo did not start' >&2; exit 1; }
    sleep 0.2
done
step 'pictures of the pages and of a terminal' '10 s' node tests/pages/screenshots.js "$description" docs/images
ls -l docs/images
