#!/usr/bin/env bash
# What `make bench` runs. Every part writes lines or JSON of its own, and one table of all is
# kept in docs/BENCH.md and docs/bench.json: a part that is left out keeps the row it has there,
# with the machine and the day it was measured on.
#   PARTS="ring frame daemon clips demo filters people learn"   which parts (default: all)
#   SKIP="learn people"     which of them not
#   CLIP=PATH               a 1280×720 clip of a person (default: the bundled demo)
#   PEER=no                 leave mediapipe out (it needs a download of about 200 MB, once)
#   SECONDS_LIVE=600        how long to run the whole daemon (default: 30), alone and loaded each
#   OUT=DIR                 where the table goes (default: docs)
# A part that fails is said so and left out; the others are measured all the same.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
cache="${GAZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaze}"
clip="${CLIP:-daemon/assets/demo.mp4}"
gazed="${GAZED:-$target/release/gazed}"
live="${SECONDS_LIVE:-30}"
out="${OUT:-docs}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

failed=()
# part NAME COMMAND…: runs it unless it is skipped; its output is shown and kept.
part() {
    local name="$1"
    shift
    [[ " ${PARTS:-$name} " == *" $name "* && " ${SKIP:-} " != *" $name "* ]] || return 0
    echo "== $name: $*" >&2
    if "$@" >"$work/$name.part"; then
        mv "$work/$name.part" "$work/$name"
    else
        # filter-report and synthetic_truth say by 1 that a goal was missed: numbers all the same.
        local rc=$?
        if [ "$rc" = 1 ] && [ -s "$work/$name.part" ]; then
            mv "$work/$name.part" "$work/$name"
            echo "bench: $name ended with 1: measured, and not good enough" >&2
        else
            failed+=("$name")
            echo "bench: $name left out, it ended with $rc" >&2
        fi
    fi
}

frame() {
    local peer=()
    if [ "${PEER:-yes}" != no ]; then
        local python="$cache/peer-mediapipe-0.10.14/bin/python"
        if [ ! -x "$python" ]; then
            echo "bench: fetching mediapipe 0.10.14 for comparison, once" >&2
            rm -rf "$cache/peer-mediapipe-0.10.14"
            python3 -m venv "$cache/peer-mediapipe-0.10.14" &&
                "$python" -m pip install --quiet --disable-pip-version-check mediapipe==0.10.14 "numpy<2" ||
                python=""
        fi
        [ -n "$python" ] && peer=(--peer "$python scripts/bench/facemesh_peer.py")
    fi
    "$gazed" bench --json --one-core --clip "$clip" --seconds 0 ${peer[@]+"${peer[@]}"}
}

part ring cargo bench --quiet -p gaze-ring --bench ring
part frame frame
part daemon "$gazed" bench --json --clip "$clip" --frames 0 --seconds "$live" --load
part clips "$gazed" bench --json --clips --clip "$clip" --seconds "$live"
part demo "$gazed" bench --json --demo
part filters "$gazed" filter-report --json
part people cargo run --quiet --release -p gaze-vision --example synthetic_truth
part learn scripts/bench/learn.sh

python3 scripts/bench/table.py "$work" "$out" --clip "$(basename "$clip")" --seconds "$live"
[ "${#failed[@]}" = 0 ] || { echo "bench: left out: ${failed[*]}" >&2; exit 1; }
