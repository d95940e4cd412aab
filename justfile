# The commands of Kubegate. `./just` lists them, and installs the runner for this file when it is missing.

set shell := ["bash", "-euo", "pipefail", "-c"]

tools := "tests/tools"

# List the commands.
[group('start here')]
default:
    @just --list --unsorted

# Start everything on this machine and print what to type (--check: sign in, try it, print a table, stop).
[group('start here')]
[no-exit-message]
demo *args:
    @{{tools}}/demo.sh {{args}}

# Install what a command needs and this machine lacks (packages by apt-get, toolchains into the user's cache).
[group('start here')]
prerequisites command="ci":
    @./just prerequisites {{command}}

# Build the binaries (target/debug).
[group('build')]
build:
    cargo build

# Build the filter as Envoy loads it (target/wasm/kubegate_filter.wasm).
[group('build')]
wasm:
    @{{tools}}/wasm.sh

# Write the JSON Schemas of policy and configuration anew (docs/schema); a test says when they are old.
[group('build')]
schemas:
    cargo run -q -p kubegate -- policy schema > docs/schema/policy.schema.json
    cargo run -q -p kubegate-control-plane -- schema > docs/schema/control-plane.schema.json

# Build the test cluster (kube-apiserver, kubelet) and kubectl; kept outside target/, by the hash of go.sum.
[group('build')]
cluster:
    @{{tools}}/step.sh 'test cluster: kube-apiserver and kubectl' '6 min the first time, then 1 s' tests/cluster/build.sh

# Make the pictures of docs/images, from a demo that is started and stopped for it.
[group('build')]
screenshots:
    @{{tools}}/screenshots.sh

# All tests: unit, core as wasm, and end to end on real Envoy, kube-apiserver, kubectl, two IdPs and Chromium.
[group('test')]
test: unit wasm-test e2e

# Unit tests (a filter like `unit token::` passes on to cargo).
[group('test')]
unit *args:
    cargo test {{args}}

# The tests of core, compiled to wasm and run under Node.
[group('test')]
wasm-test *args:
    @{{tools}}/wasm-test.sh {{args}}

# The end-to-end suite (`just e2e NAME` runs what matches, `--list` names them).
[group('test')]
e2e *args:
    @{{tools}}/prepare.sh
    cargo test -p kubegate-tests -- {{args}}

# Measure and print a table: `bench request-path [--quick]`, `profile`, `policy`, `distribution` or `micro` (docs/benchmarks.md).
[group('test')]
bench name *args:
    @{{tools}}/bench.sh {{name}} {{args}}

# Fuzz what strangers can send: `just fuzz [TARGET] [--seconds N]`, an hour a target; a file runs it again.
[group('test')]
[no-exit-message]
fuzz *args:
    @{{tools}}/fuzz.sh {{args}}

# Generated attacks on a gateway until one comes through: `torture [--cases N] [--seed N]` (a million), `--replay FILE`;
# or masses of slow connections, tokens and streams, and what they took: `torture --load`.
[group('test')]
[no-exit-message]
torture *args:
    @{{tools}}/torture.sh {{args}}

# A minute of each fuzz target, two at a time, from the committed seeds on.
[group('test')]
[no-exit-message]
fuzz-short:
    @{{tools}}/fuzz.sh --short

# The whole gate, as CI runs it.
[group('check')]
ci: fmt-check lint docs core-deps deny instructions fuzz-short test

# Format all sources.
[group('check')]
fmt:
    cargo fmt --all
    cargo fmt --manifest-path tests/fuzz/Cargo.toml

# Is everything formatted?
[group('check')]
fmt-check:
    cargo fmt --all --check
    cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
    @{{tools}}/gofmt-check.sh

# Clippy on everything, native and as wasm; warnings are errors.
[group('check')]
lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p kubegate-filter --target wasm32-wasip1 -- -D warnings

# The API documentation; a broken link is an error.
[group('check')]
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# Licences, bans and sources of all dependencies, and advisories where their database can be reached.
[group('check')]
deny:
    @{{tools}}/deny.sh

# core stays pure: nothing that does I/O may enter its dependencies.
[group('check')]
core-deps:
    @{{tools}}/core-deps.sh

# Core's hot functions, counted in instructions: more than 5 % above the checked-in count fails (--update checks in).
[group('check')]
[no-exit-message]
instructions *args:
    @{{tools}}/bench.sh instructions {{args}}

# Remove what was built here (tools and the test cluster in the user's cache stay).
[group('clean')]
clean:
    cargo clean
    rm -rf tests/idp/node_modules tests/pages/node_modules

# Remove the tools that were installed into the user's cache.
[group('clean')]
clean-tools:
    @{{tools}}/clean-tools.sh
