#!/bin/sh
# Brings the portrait of the astronaut Eileen Collins (NASA, public domain) into the
# user's cache folder, unless it is there, and prints its path on the last line of
# stdout. Messages go to stderr.
#
# The tests compare our networks with the originals on it. The picture lies in the
# Python package scikit-image; only that one file is kept, and it is never committed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/fetch-wheel.sh"

# The same file is in the wheels of every platform, so one is enough.
path=$(gaze_cache)/portrait/astronaut.png
wheel_member scikit-image 0.24.0 manylinux2014_x86_64 skimage/data/astronaut.png \
	88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5 "$path"
printf '%s\n' "$path"
