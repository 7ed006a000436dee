#!/usr/bin/env bash
# What `make bench` runs: the shared memory, then frame → sample beside
# mediapipe's Python FaceMesh on the same clip in the same run, then the error
# against the demo's truth, the networks against rendered people, and a network
# learned from nothing against the guess of the screen's middle.
#   CLIP=PATH   a 1280×720 clip of a person (default: the bundled demo)
#   PEER=no     leave the peer out (it needs a download of about 200 MB, once)
#   SECONDS_LIVE=600   how long to run the whole daemon
#   LEARN=no    leave the training out (a quarter of an hour on two cores)
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
cache="${GAZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaze}"
clip="${CLIP:-daemon/assets/demo.mp4}"

echo "== the shared memory"
cargo bench --quiet -p gaze-ring --bench ring

peer=()
if [ "${PEER:-yes}" != no ]; then
    python="$cache/peer-mediapipe-0.10.14/bin/python"
    if [ ! -x "$python" ]; then
        echo "bench: fetching mediapipe 0.10.14 for comparison, once" >&2
        rm -rf "$cache/peer-mediapipe-0.10.14"
        python3 -m venv "$cache/peer-mediapipe-0.10.14"
        "$python" -m pip install --quiet --disable-pip-version-check mediapipe==0.10.14 "numpy<2"
    fi
    peer=(--peer "$python scripts/bench/facemesh_peer.py")
fi
echo "== frame → sample, one core: $clip"
"$target/release/gazed" bench --one-core --clip "$clip" --seconds 0 "${peer[@]}"
echo "== the whole daemon"
"$target/release/gazed" bench --clip "$clip" --frames 0 --seconds "${SECONDS_LIVE:-30}"
echo "== the stream without and with a clip being recorded"
"$target/release/gazed" bench --clips --clip "$clip" --seconds "${SECONDS_LIVE:-30}"
echo "== the demo against its truth"
"$target/release/gazed" bench --demo
echo "== networks and geometry against rendered people"
cargo run --quiet --release -p gaze-vision --example synthetic_truth

if [ "${LEARN:-yes}" != no ]; then
    echo "== a network from nothing, on rendered people it has never seen"
    scripts/bench/learn.sh
fi
