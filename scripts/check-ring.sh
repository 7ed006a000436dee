#!/usr/bin/env bash
# Checks the shared memory's protocol: every interleaving in loom's model, the
# same model with one ordering removed at a time (it must then find a torn
# record), and the code on plain memory under Miri where that can be had.
#   MIRI=no   leave Miri out
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-$PWD/target}"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

# Runs a command quietly; on failure shows what it said.
quiet() {
    local what="$1"
    shift
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "$what: FAILED" >&2
        exit 1
    fi
}

# Says how many tests ran; none at all is a failure, not a success.
passed() {
    local count
    count="$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$log" | head -1)"
    if [ "${count:-0}" -lt "$2" ]; then
        cat "$log" >&2
        echo "$1: FAILED (only ${count:-0} of $2 tests ran)" >&2
        exit 1
    fi
    echo "$1: $count passed"
}

loom() {
    CARGO_TARGET_DIR="$target/loom" RUSTFLAGS="--cfg loom" \
        cargo test -p gaze-ring --release --lib -- "$@"
}
quiet "loom: the model" loom model:: --skip mutation
passed "loom: the model" 3
quiet "loom: one ordering removed, a torn record found" loom model::mutation
passed "loom: one ordering removed, a torn record found" 6

has_miri() { cargo +nightly miri --version >/dev/null 2>&1; }
if [ "${MIRI:-yes}" != no ] && ! has_miri; then
    # Tried by name; a machine without rustup or without a nightly goes on without.
    timeout 300 rustup component add --toolchain nightly miri rust-src >/dev/null 2>&1 || true
fi
if [ "${MIRI:-yes}" = no ]; then
    echo "miri: not run (MIRI=no)"
elif ! has_miri; then
    echo "miri: not run (rustup has no nightly toolchain with the component miri here)"
else
    # Without isolation it may read the clock; only plain memory is tested.
    quiet "miri" env CARGO_TARGET_DIR="$target/miri" MIRIFLAGS="-Zmiri-disable-isolation" \
        cargo +nightly miri test -p gaze-ring --lib -- memory_tests::
    passed "miri" 7
fi
