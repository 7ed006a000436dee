#!/usr/bin/env bash
# Makes models/gaze_base.onnx again from nothing: draws people, trains on them, exports.
# An hour and a half on two cores; the same bytes come out only of the same build on the same
# kind of processor.
#
#     scripts/models/gaze_base.sh [DEVICE [MEMBERS]]
#     scripts/models/gaze_base.sh --measure    tables of models/GAZE_BASE.md: by size, distance, head,
#                                              light and variety, of the scenario random, of contact
#
# The table of the spread is in the run's spread.txt; film, photograph and times were taken by hand.
#
# DEVICE as of `gaze-trainer train --device`; the file that is shipped was trained on tch, and
# another device makes another one. MEMBERS networks, trained with the seeds 1, 2, …, answer with
# their mean; the one that is shipped is one (1, as without it). Needs `make trainer` and `cargo build --release -p gaze-vision
# --example contact --example network_truth`. Keeps its caches and the run in target/gaze-base and
# goes on with what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
built="${CARGO_TARGET_DIR:-target}/release"
trainer="$built/gaze-trainer"
contact="$built/examples/contact"
truth="$built/examples/network_truth"
work=target/gaze-base
for program in "$trainer" "$contact" "$truth"; do
	[ -x "$program" ] || { echo "gaze_base: $program is not built; see the top of this script" >&2; exit 2; }
done
mkdir -p "$work"

draw() { # FILE VARIETY FIRST PERSONS
	[ -e "$work/$1" ] || "$trainer" eyes "$work/$1" --anywhere --variety "$2" --first "$3" \
		--persons "$4" --looks 8 --size 48
}

if [ "${1-}" = --measure ]; then
	draw unseen.cache usual 9000 80
	draw unseen-wide.cache wide 40000 60
	draw other.cache other 30000 60
	for cache in unseen unseen-wide other; do
		printf '\n## %s\n\n' "$cache"
		"$trainer" rays "$work/$cache.cache" --network models/gaze_base.onnx
	done
	printf '\n## the scenario random\n\n'
	"$truth" models/gaze_base.onnx --pictures 300 --mirror
	printf '\n## eye contact\n\n'
	"$contact" 0 800 501 models/gaze_base.onnx
	exit
fi

device="${1:-cpu}"
members="${2:-1}"
draw learn.cache usual 0 1600
# Yet others, to learn from how far the network errs on strangers.
draw spread.cache usual 9100 150
draw unseen.cache usual 9000 80

run="$work/run"
[ "$members" -eq 1 ] || run="$work/run-of-$members"
mkdir -p "$run"
learned=()
for seed in $(seq "$members"); do
	one="$run"
	[ "$members" -eq 1 ] || one="$run/$seed"
	# Where it is at its end already, --resume only says so.
	resume=
	[ ! -e "$one/going-on.state" ] || resume=--resume
	"$trainer" train "$work/learn.cache" --out "$one" --device "$device" --seed "$seed" \
		--encoder compact --width 0.5 --standardise --folds 40 --epochs 24 --patience 0 \
		--batch 64 --head-rate 4e-3 --decay 1e-3 --clip 0 $resume
	learned+=("$one/best")
done
base="${learned[0]}"
if [ "$members" -gt 1 ]; then
	base="$run/all"
	"$trainer" committee "${learned[@]}" --out "$base"
fi

# How far it errs, told of each look: a second output beside the same line of sight. The table in the
# card is this one.
if [ ! -e "$run/told/network.json" ]; then
	"$trainer" spread "$base" "$work/spread.cache" --out "$run/told" \
		--mirror-average --check "$work/unseen.cache" --device "$device" |
		tee "$run/spread.txt.new"
	mv "$run/spread.txt.new" "$run/spread.txt"
fi

export_with() {
	"$trainer" export "$run/told" --cache "$work/unseen.cache" --out "$work/exported" \
		--only fp32 --mirror-average "$@"
}
# How far its ray errs on people never seen, for the probability of eye contact.
if [ ! -e "$run/contact.json" ]; then
	export_with
	"$contact" 1600 800 501 "$work/exported/gaze.onnx" | tee "$run/contact.txt"
	grep '^{' "$run/contact.txt" >"$run/contact.json.new"
	mv "$run/contact.json.new" "$run/contact.json"
fi
export_with --contact "$run/contact.json"
cp "$work/exported/gaze.onnx" models/gaze_base.onnx
python3 scripts/models/list_gaze_base.py
