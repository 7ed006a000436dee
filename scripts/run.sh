#!/usr/bin/env bash
# Starts gazed on a camera if there is one, else on the bundled demo, and shows
# its samples read back through include/gaze.h. With a terminal: live, until
# Ctrl-C. Without: for 15 s, then a summary; non-zero under 90 % valid samples.
#   SOURCE=demo|camera|PATH   choose the source      SECONDS_TO_RUN=15   how long
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
gazed="$target/release/gazed"
source="${SOURCE:-auto}"
seconds="${SECONDS_TO_RUN:-15}"
work="$(mktemp -d)"
own_memory=
if [ -z "${GAZE_SHM:-}" ]; then
    export GAZE_SHM="/gaze-run-$$" # beside a daemon that may be running already
    own_memory="/dev/shm$GAZE_SHM"
fi

daemon=
end() {
    [ -n "$daemon" ] && kill -TERM "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null || true
    rm -rf "$work" ${own_memory:+"$own_memory"}
}
trap end EXIT
trap 'exit 130' INT TERM

"$gazed" run --source "$source" --loop 2>"$work/log" &
daemon=$!
for _ in $(seq 100); do
    [[ "$("$gazed" status --json 2>/dev/null || true)" == *'"health":"running"'* ]] && break
    kill -0 "$daemon" 2>/dev/null || { cat "$work/log" >&2; code=0; wait "$daemon" || code=$?; daemon=; exit "$code"; }
    sleep 0.1
done
cat "$work/log" >&2

if [ -t 1 ] && [ -z "${CI:-}" ]; then
    "$target/examples/gaze_watch"
else
    truth=()
    if [[ "$("$gazed" status --json || true)" == *'"source":"demo"'* ]]; then
        "$gazed" demo-truth >"$work/truth.csv"
        truth=(--truth "$work/truth.csv")
    fi
    "$target/examples/gaze_watch" --summary --seconds "$seconds" ${truth[@]+"${truth[@]}"} --min-valid 90
fi
