#!/usr/bin/env bash
# Builds the test cluster and its kubectl once and prints the directory that holds them.
# The build goes to ${KUBEGATE_CACHE:-~/.cache/kubegate}/cluster/KEY, where KEY follows the sources, so that
# `cargo clean` does not cost the minutes that compiling Kubernetes takes.
set -euo pipefail

kubernetes_version=v1.37.2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${KUBEGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kubegate}/cluster

sources_key() {
  (cd "$here" && LC_ALL=C sha256sum go.mod go.sum ./*.go ./*.yaml build.sh) | sha256sum | cut -c1-16
}

# Says every 15 seconds that the build is still going on.
progress() {
  while sleep 15; do
    echo "  still building, $((SECONDS - started)) s" >&2
  done
}

build() {
  local out=$1 version_package=k8s.io/component-base/version flags
  flags="-s -w"
  for package in "$version_package" k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$kubernetes_version -X $package.gitMajor=1 -X $package.gitMinor=37"
    flags+=" -X $package.gitCommit=unknown -X $package.gitTreeState=clean"
  done
  (cd "$here" && CGO_ENABLED=${CGO_ENABLED:-0} nice -n 5 go build -trimpath -buildvcs=false -ldflags "$flags" \
    -o "$out/" . k8s.io/kubernetes/cmd/kubectl) >&2
  mv "$out/cluster" "$out/kubegate-test-cluster"
}

target=$cache/$(sources_key)
if [[ -x $target/kubegate-test-cluster && -x $target/kubectl ]]; then
  echo "$target"
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "error: go is not installed, and the test cluster is a Go program; install Go 1.26 or newer (https://go.dev/dl/)" >&2
  exit 1
fi

mkdir -p "$cache"
# Two builds at a time would be slower than one after the other; the second finds the first one's result.
if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  flock 9
  if [[ -x $target/kubegate-test-cluster && -x $target/kubectl ]]; then
    echo "$target"
    exit 0
  fi
fi

started=$SECONDS
echo "Building the test cluster (real kube-apiserver and kubectl, once, about 6 minutes on 2 cores)..." >&2
fresh=$(mktemp -d "$cache/.new-XXXXXX")
progress 9>&- &
ticker=$!
trap 'kill "$ticker" 2>/dev/null || true; rm -rf "$fresh"' EXIT
build "$fresh" 9>&-
chmod 755 "$fresh"
mv -T "$fresh" "$target" 2>/dev/null || [[ -x $target/kubectl ]]
echo "Built the test cluster in $((SECONDS - started)) s." >&2
echo "$target"
