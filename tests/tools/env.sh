# Sourced by ./just and the scripts beside this file: where things are, and the progress lines.

# Tools of fixed versions, shared by all checkouts of this user.
export KUBEGATE_TOOLS="${KUBEGATE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/kubegate/tools}"
# The checkout.
KUBEGATE_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# Toolchains that `./just toolchain` brought come before the system's, which were missing or too old.
case ":$PATH:" in
    *":$KUBEGATE_TOOLS/toolchains/bin:"*) ;;
    *) export PATH="$KUBEGATE_TOOLS/toolchains/bin:$PATH" ;;
esac

# step TEXT USUAL COMMAND...: says what begins and how long it usually takes, and then how long it took.
step() {
    local text=$1 usual=$2 began=$SECONDS
    shift 2
    printf '==> %s (usually %s)\n' "$text" "$usual" >&2
    "$@" || { local code=$?; printf '==> FAILED: %s (exit code %s)\n' "$text" "$code" >&2; return "$code"; }
    printf '    %s: %s s\n' "$text" "$((SECONDS - began))" >&2
}
