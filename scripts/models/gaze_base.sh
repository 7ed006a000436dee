#!/usr/bin/env bash
# Makes models/gaze_base*.onnx again from nothing: draws people, trains on them, exports.
# An hour on two cores; the same bytes come out only of the same build on the same
# kind of processor.
#
#     scripts/models/gaze_base.sh [DEVICE]
#     scripts/models/gaze_base.sh --measure    tables of models/GAZE_BASE.md: by size, distance, head,
#                                              light, glasses, skin and variety, of the scenario
#                                              random, of contact
#
# The table of the spread is in the run's spread.txt; film, photograph and times were taken by hand.
#
# DEVICE as of `gaze-trainer train --device`; the files that are shipped were trained on tch, and
# another device makes others. Needs `make trainer` and `cargo build --release -p gaze-vision
# --example contact --example network_truth`. Keeps its caches and the run in target/gaze-base-2 and
# goes on with what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
built="${CARGO_TARGET_DIR:-target}/release"
trainer="$built/gaze-trainer"
contact="$built/examples/contact"
truth="$built/examples/network_truth"
work=target/gaze-base-2
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
	"$contact" 0 2400 777 models/gaze_base.onnx
	exit
fi

device="${1:-cpu}"
# LibTorch's threads wait for each other by spinning: beside anything else two of them learned 170 to 270
# looks a second where one learned 1200.
export OMP_NUM_THREADS=1
draw learn.cache usual 0 2400
draw learn-wide.cache wide 50000 2000
# Yet others, to learn from how far the network errs on strangers.
draw spread.cache usual 9100 150
draw unseen.cache usual 9000 80

run="$work/run"
mkdir -p "$run"
# Members of a committee: each learns in another way, so that each errs in another way.
learned=()
member() { # SEED EPOCHS AUGMENT CACHE…
	local seed="$1" epochs="$2" augment="$3" one="$run/$((${#learned[@]} + 1))"
	shift 3
	# Where it is at its end already, --resume only says so.
	local resume=
	[ ! -e "$one/going-on.state" ] || resume=--resume
	"$trainer" train "${@/#/$work/}" --out "$one" --device "$device" --seed "$seed" \
		--encoder compact --width 0.5 --standardise --folds 40 --epochs "$epochs" --patience 0 \
		--augment "$augment" --batch 64 --head-rate 4e-3 --decay 1e-3 --clip 0 $resume
	learned+=("$one/best")
}
member 1 24 usual learn.cache
member 2 24 strong learn.cache
member 3 24 usual learn.cache
member 1 20 usual learn.cache learn-wide.cache
base="$run/all"
"$trainer" committee "${learned[@]}" --out "$base"

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
		--mirror-average "$@"
}
# How far its ray errs on people never seen, for the probability of eye contact.
if [ ! -e "$run/contact.json" ]; then
	export_with --only fp32
	"$contact" 1600 800 501 "$work/exported/gaze.onnx" | tee "$run/contact.txt"
	grep '^{' "$run/contact.txt" >"$run/contact.json.new"
	mv "$run/contact.json.new" "$run/contact.json"
fi
export_with --contact "$run/contact.json"
# In 32 bits it would be 6.2 MB; weights in half precision compute the same to 0.1 %.
cp "$work/exported/gaze-fp16.onnx" models/gaze_base.onnx
cp "$work/exported/gaze-int8.onnx" models/gaze_base_int8.onnx
python3 scripts/models/list_gaze_base.py
