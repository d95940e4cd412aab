#!/usr/bin/env bash
# fuzz.sh [TARGET]... [--seconds N]: fuzzes the targets of tests/fuzz in turn, each for N seconds (an hour by default).
# fuzz.sh --short [TARGET]...: each for 60 seconds, two at a time, from the committed seeds on, with the same chances every
# time.
# fuzz.sh TARGET FILE...: runs inputs again, such as one that failed.
#
# New inputs that reach something go to target/fuzz/corpus/TARGET, and the next long run begins with them.
# fuzz.sh --keep [TARGET]...: the few that reach most beyond the written seeds become part of tests/fuzz/corpus.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$KUBEGATE_ROOT"
seconds=3600 mode=long targets=() inputs=()
while [ $# -gt 0 ]; do
    case "$1" in
        --seconds) seconds=${2:?--seconds wants a number} && shift ;;
        --short) mode=short seconds=60 ;;
        --keep) mode=keep ;;
        *) if [ -f "tests/fuzz/targets/$1.rs" ]; then targets+=("$1"); elif [ -f "$1" ]; then inputs+=("$1"); else
            echo "fuzz.sh: '$1' is neither a file nor a target; targets: $(cd tests/fuzz/targets && echo *.rs | sed 's/\.rs//g')" >&2
            exit 2
        fi ;;
    esac
    shift
done
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets < <(cd tests/fuzz/targets && printf '%s\n' *.rs | sed 's/\.rs$//')

PATH="$(tests/tools/cargo-tool.sh cargo-fuzz 0.13.2 cargo-fuzz '1 min'):$PATH"
# No sanitizer: there is no unsafe code behind the targets, and the toolchain of everything else does without one.
build() {
    mkdir -p target/fuzz
    cargo fuzz build -O --sanitizer none --fuzz-dir tests/fuzz --target-dir target/fuzz >target/fuzz/build.log 2>&1 ||
        { cat target/fuzz/build.log >&2; return 1; }
}
step 'the fuzz targets' '6 min the first time, then 2 s' build
built=target/fuzz/$(rustc -vV | sed -n 's/^host: //p')/release

# run TARGET ARGUMENT...: runs a target; says what failed, and how to see it again.
run() {
    local target=$1 log=target/fuzz/$1.log artifacts=target/fuzz/artifacts/$1
    mkdir -p "$artifacts"
    shift
    if "$built/$target" -artifact_prefix="$artifacts/" -timeout=10 -rss_limit_mb=2048 "$@" >"$log" 2>&1; then
        printf '    %s: %s\n' "$target" "$(tail -n1 "$log")" >&2
        return
    fi
    # As one piece: another target may be speaking, too.
    local input said
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n1)
    said=$(grep -v -e '^#' -e '^INFO' -e 'NEW_FUNC' "$log" | tail -n 40)
    said+=$(printf '\n\nFAILED: fuzz target %s (all it said: %s)' "$target" "$log")
    [ -z "$input" ] || said+=$(printf '\nThe input:\n%s\nAgain:\n  ./just fuzz %s %s' "$(head -c 2000 "$input" | cat -v)" "$target" "$input")
    printf '%s\n' "$said" >&2
    return 1
}

# short TARGET: what it finds is forgotten.
short() {
    local scratch code=0
    scratch=$(mktemp -d target/fuzz/scratch.XXXXXX)
    run "$1" -seed=1 -max_total_time="$seconds" "$scratch" "tests/fuzz/corpus/$1" || code=$?
    rm -rf "$scratch"
    return "$code"
}

# all_short: every target, two at a time; xargs says at the end when one of them has failed.
all_short() {
    export built seconds
    export -f run short
    printf '%s\n' "${targets[@]}" | xargs -P 2 -I '{}' bash -euo pipefail -c 'short "$1"' short '{}'
}

# keep TARGET SEEDS FOUND: of all inputs that were found, the 40 that cover most, each more than those before it. They
# are named by their hash, the seeds that somebody wrote have words for names.
keep() {
    local target=$1 seeds=$2 found=$3 scratch
    scratch=$(mktemp -d target/fuzz/scratch.XXXXXX)
    find "$seeds" -regextype posix-extended -regex '.*/[0-9a-f]{40}' -exec mv -t "$found" {} +
    cp -t "$scratch" "$seeds"/*
    run "$target" -set_cover_merge=1 -use_counters=0 "$scratch" "$found"
    find "$scratch" -regextype posix-extended -regex '.*/[0-9a-f]{40}' -printf '%T@ %p\n' | sort -n | cut -d' ' -f2 |
        head -n 40 | xargs -r cp -t "$seeds"
    rm -rf "$scratch"
}

if [ "$mode" = short ]; then
    step "fuzzing ${#targets[@]} targets, two at a time" "$(((${#targets[@]} + 1) / 2 * seconds)) s" all_short
    exit
fi
failed=0
for target in "${targets[@]}"; do
    seeds=tests/fuzz/corpus/$target found=target/fuzz/corpus/$target
    mkdir -p "$found"
    if [ "${#inputs[@]}" -gt 0 ]; then
        run "$target" "${inputs[@]}" || failed=1
    elif [ "$mode" = keep ]; then
        keep "$target" "$seeds" "$found"
    else
        step "fuzzing $target" "$seconds s" run "$target" -max_total_time="$seconds" "$found" "$seeds" || failed=1
    fi
done
exit "$failed"
