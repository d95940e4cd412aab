#!/usr/bin/env bash
# Prints the folder of the Keycloak that the end-to-end suite runs, made ready when it is missing: fetched with Maven,
# checked, built for its store (which spares every start the 9 s that this takes), and started once, so that every run
# begins with a copy of a store whose tables are made (`store/`).
set -euo pipefail
source "$(dirname "$0")/env.sh"
version=26.2.5
sha256=31c298273557bd53270905ae63c1522e319d2137ccce17318171864be496d699
key=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-8)
home="$KUBEGATE_TOOLS/keycloak-$version-$key"
if [ -f "$home/store/keycloakdb.mv.db" ]; then
    echo "$home"
    exit
fi

mkdir -p "$KUBEGATE_TOOLS"
# A second one that comes meanwhile finds the first one's result.
if command -v flock >/dev/null; then
    exec 9>"$KUBEGATE_TOOLS/keycloak.lock"
    flock 9
fi
if [ ! -f "$home/store/keycloakdb.mv.db" ]; then
    work=$(mktemp -d "$KUBEGATE_TOOLS/.keycloak.XXXXXX")
    server=
    trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

    # With the machine's own settings and mirrors; nothing of it stays in the user's repository.
    step "Keycloak $version, 155 MB" '10 s, once' mvn -q -B -Dstyle.color=never "-Dmaven.repo.local=$work/maven" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        "-Dartifact=org.keycloak:keycloak-quarkus-dist:$version:zip" "-DoutputDirectory=$work" >&2
    archive="$work/keycloak-quarkus-dist-$version.zip"
    echo "$sha256  $archive" | sha256sum --check --quiet >&2
    python3 -m zipfile -e "$archive" "$work"
    fresh="$work/keycloak-$version"
    chmod +x "$fresh/bin/kc.sh"

    # Without what no test asks for.
    step 'Keycloak made ready' '10 s, once' "$fresh/bin/kc.sh" build --db=dev-file \
        --features-disabled=account,ciba,impersonation,kerberos,par >"$work/log" 9>&- || { cat "$work/log" >&2; exit 1; }
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=for-tests-only "$fresh/bin/kc.sh" start --optimized \
        --cache=local --http-enabled=true --hostname-strict=false --http-host=127.0.0.1 "--http-port=$port" \
        >"$work/log" 2>&1 9>&- &
    server=$!
    until grep -q 'Listening on' "$work/log"; do
        kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
        sleep 0.2
    done
    kill "$server"
    wait "$server" || true
    server=
    mv "$fresh/data/h2" "$fresh/store"
    rm -rf "$fresh/data"
    mv -T "$fresh" "$home"
fi
echo "$home"
