#!/usr/bin/env bash
# Makes models/gaze_base*.onnx again from nothing: draws people, trains on them, exports.
# Three and a half hours; the same bytes come out only of the same build on the same
# kind of processor.
#
#     scripts/models/gaze_base.sh [DEVICE]
#     scripts/models/gaze_base.sh --measure    tables of models/GAZE_BASE.md: by size, distance, head,
#                                              light, glasses, skin and variety, of the scenario
#                                              random, of contact, of the looks of the Columbia Gaze Data Set
#
# The table of the spread is in the run's spread.txt; film, photograph and times were taken by hand.
#
# DEVICE as of `gaze-trainer train --device`; the files that are shipped were trained on tch, and
# another device makes others. Needs `make trainer` and `cargo build --release -p gaze-vision
# --example contact --example network_truth`. Keeps its caches and the run in target/gaze-base-3 and
# goes on with what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
built="${CARGO_TARGET_DIR:-target}/release"
trainer="$built/gaze-trainer"
contact="$built/examples/contact"
truth="$built/examples/network_truth"
work=target/gaze-base-3
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
	printf '\n## eye contact, gaze-locking\n\n'
	"$contact" 0 2400 777 models/gaze_base.onnx gaze-locking
	exit
fi

device="${1:-cpu}"
# LibTorch's threads wait for each other by spinning: beside anything else two of them learned 170 to 270
# looks a second where one learned 1200.
export OMP_NUM_THREADS=1
draw learn.cache usual 0 2400
draw learn-wide.cache wide 50000 2000
draw skin-deep.cache skin-deep 60000 1800
draw murky.cache murky 64000 1200
draw murky-2.cache murky 66000 1200
draw learn-2.cache usual 100000 1000
# Yet others, to learn from how far the network errs on strangers.
draw spread.cache usual 9100 150
draw unseen.cache usual 9000 80

run="$work/run"
mkdir -p "$run"
# Each learns in another way, so that each errs in another way.
learn() { # NAME CACHE… -- OPTION…
	local one="$run/$1" caches=()
	shift
	while [ "$1" != -- ]; do
		caches+=("$work/$1.cache")
		shift
	done
	shift
	mkdir -p "$one"
	# Where it is at its end already, --resume only says so.
	local resume=
	[ ! -e "$one/going-on.state" ] || resume=--resume
	local options=(--encoder compact --width 0.5 --standardise --folds 40 --patience 0
		--batch 64 --head-rate 4e-3 --decay 1e-3 --clip 0)
	echo "${caches[@]##*/}" "$@" "${options[@]}" >"$one/settings.txt"
	"$trainer" train "${caches[@]}" --out "$one" --device "$device" "$@" "${options[@]}" $resume
}
exported() { # NETWORK OPTION…: into $work/exported
	local network="$1"
	shift
	"$trainer" export "$network" --cache "$work/unseen.cache" --out "$work/exported" --mirror-average "$@"
}

# From labels: as people are, and so that gaze does not go with the head.
learn u1 learn -- --seed 1 --epochs 24 --augment usual
learn k1 learn skin-deep murky -- --balance --seed 4 --epochs 18 --augment usual
learn k3 learn skin-deep murky -- --balance --seed 7 --epochs 16 --augment usual
learn k5 learn skin-deep murky -- --balance --seed 21 --epochs 36 --augment usual
learn k6 learn learn-wide skin-deep murky -- --balance --seed 22 --epochs 28 --augment usual
learn k7 learn learn-2 skin-deep murky murky-2 -- --balance --seed 23 --epochs 24 --augment usual
# From what four of those say together.
teacher="$work/teacher.onnx"
if [ ! -e "$teacher" ]; then
	"$trainer" committee "$run"/{k1,k3,k5,k6}/best --out "$run/teachers"
	exported "$run/teachers" --only fp32
	mv "$work/exported/gaze.onnx" "$teacher"
fi
learn s6 learn learn-2 skin-deep murky murky-2 -- --balance --seed 32 --epochs 20 --augment usual --teacher "$teacher"
base="$run/all"
"$trainer" committee "$run"/{u1,k7,s6,k6}/best --out "$base"
python3 scripts/models/gaze_base_log.py "$run"/{u1,k1,k3,k5,k6,k7,s6}

# How far it errs, told of each look: a second output beside the same line of sight. The table in the
# card is this one.
if [ ! -e "$run/told/network.json" ]; then
	"$trainer" spread "$base" "$work/spread.cache" --out "$run/told" \
		--mirror-average --check "$work/unseen.cache" --device "$device" |
		tee "$run/spread.txt.new"
	mv "$run/spread.txt.new" "$run/spread.txt"
fi

# How far its ray errs on people never seen, for the probability of eye contact.
if [ ! -e "$run/contact.json" ]; then
	exported "$run/told" --only fp32
	"$contact" 1600 800 501 "$work/exported/gaze.onnx" | tee "$run/contact.txt"
	grep '^{' "$run/contact.txt" >"$run/contact.json.new"
	mv "$run/contact.json.new" "$run/contact.json"
fi
exported "$run/told" --contact "$run/contact.json"
# In 32 bits it would be 6.2 MB; weights in half precision compute the same to 0.1 %.
cp "$work/exported/gaze-fp16.onnx" models/gaze_base.onnx
# In 8 bits with the ranges of murky eyes. With those of other looks it is further from itself in half
# precision (0.3 to 1.1 % of its largest answer) than crates/vision/tests/coreml.rs holds, 0.5 %; here 0.4 %.
"$trainer" export "$run/told" --cache "$work/murky-2.cache" --out "$work/exported-8" --mirror-average \
	--only int8 --contact "$run/contact.json"
cp "$work/exported-8/gaze-int8.onnx" models/gaze_base_int8.onnx
python3 scripts/models/list_gaze_base.py
