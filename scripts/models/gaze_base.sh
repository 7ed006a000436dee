#!/usr/bin/env bash
# Makes models/gaze_base.onnx again from nothing: draws people, trains on them, exports.
# An hour and a half on two cores; the same bytes come out only of the same build on the same
# kind of processor.
#
#     scripts/models/gaze_base.sh [DEVICE]
#
# DEVICE as of `gaze-trainer train --device`; the file that is shipped was trained on tch.
# Keeps its caches and the run in target/gaze-base and goes on with what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
device="${1:-cpu}"
trainer="${CARGO_TARGET_DIR:-target}/release/gaze-trainer"
contact="${CARGO_TARGET_DIR:-target}/release/examples/contact"
work=target/gaze-base
mkdir -p "$work"

draw() { # FILE FIRST PERSONS
	[ -e "$work/$1" ] || "$trainer" eyes "$work/$1" --anywhere --first "$2" --persons "$3" \
		--looks 8 --size 48
}
draw learn.cache 0 1600
draw unseen.cache 9000 80

resume=()
[ ! -e "$work/run/going-on.state" ] || resume=(--resume)
[ -e "$work/run/best" ] && [ "${#resume[@]}" = 0 ] ||
	"$trainer" train "$work/learn.cache" --out "$work/run" --device "$device" \
		--encoder compact --width 0.5 --standardise --folds 40 --epochs 24 --patience 0 \
		--batch 64 --head-rate 4e-3 --decay 1e-3 --clip 0 "${resume[@]}"

export_with() {
	"$trainer" export "$work/run/best" --cache "$work/unseen.cache" --out "$work/exported" \
		--only fp32 --mirror-average "$@"
}
# How far its ray errs on people never seen, for the probability of eye contact.
if [ ! -e "$work/contact.json" ]; then
	export_with
	"$contact" 1600 800 501 "$work/exported/gaze.onnx" | tee "$work/contact.txt"
	grep '^{' "$work/contact.txt" >"$work/contact.json.new"
	mv "$work/contact.json.new" "$work/contact.json"
fi
export_with --contact "$work/contact.json"
cp "$work/exported/gaze.onnx" models/gaze_base.onnx
python3 scripts/models/list_gaze_base.py
