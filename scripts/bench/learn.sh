#!/usr/bin/env bash
# Draws eyes of rendered people, trains a small network on most of them from
# nothing, and prints its error on the others, whom it has never seen, beside that of
# who always says the screen's middle. Heads are turned by up to 15° whatever is looked at, on a
# screen that spans 84 by 54 degrees of the field of view.
#   PERSONS=800   how many people
#   EPOCHS=14     how often each look is seen
set -euo pipefail
cd "$(dirname "$0")/../.."
trainer="${CARGO_TARGET_DIR:-target}/release/gaze-trainer"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

"$trainer" eyes "$work/eyes.cache" --persons "${PERSONS:-800}" --looks 8 --size 40 \
    --inches 43 --turn 15,10,6
"$trainer" train "$work/eyes.cache" --out "$work/run" --encoder compact --width 0.5 \
    --folds 10 --epochs "${EPOCHS:-14}" --patience 0 --head-rate 5e-3 --warm-up 0.1 --clip 0 --json |
    python3 -c '
import json, sys

last = None
for line in sys.stdin:
    last = json.loads(line)
    if "epoch" in last:
        print("epoch %d: %.2f degrees" % (last["epoch"], last["check"]["mean_deg"]), file=sys.stderr)
if not last or not last.get("best"):
    sys.exit("learn: the training gave no network; see above")
best, guess = last["best"]["check"], last["centre_guess"]
print("never seen: %.2f degrees in the mean, %.2f in the median" % (best["mean_deg"], best["median_deg"]))
print("the middle: %.2f degrees; ratio %.1f" % (guess["mean_deg"], guess["mean_deg"] / best["mean_deg"]))
pupils = last["pupils"]
if pupils:
    print("a degree of gaze moves it %.2f across, %.2f up" % tuple(pupils["gaze"]))
    print("a degree of head turn %+.2f across, %+.2f up" % tuple(pupils["head"]))
'
