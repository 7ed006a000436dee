#!/bin/sh
# Makes calib/assets/DejaVuSans*.ttf again: DejaVu Sans as packaged with matplotlib on PyPI, cut
# down to Latin, Greek, Cyrillic and the few signs the calibration window and its pictures use.
# Needs Python 3 and pip; works in the user's cache folder. The same bytes come out each time.
# Never run by `make test`.
#
# Usage: scripts/fonts/subset.sh
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
. "$root/scripts/fetch-wheel.sh"

work=$(gaze_cache)/subset-fonts
python=$work/venv/bin/python
fonts=matplotlib/mpl-data/fonts/ttf
fetch() { wheel_member matplotlib 3.11.2 manylinux2014_x86_64 "$fonts/$1" "$2" "$work/$1"; }
fetch DejaVuSans.ttf 3fdf69cabf06049ea70a00b5919340e2ce1e6d02b0cc3c4b44fb6801bd1e0d22
fetch DejaVuSans-Bold.ttf b184b89e3c1075f22f6b71575b6fc20d4972b3cfd3b23322ca6fd596dcaef167
fetch LICENSE_DEJAVU d75938dec098f06f0ac3c00853065d94f020be1c3c62ef1dc2975ba15b4d9b0e
if [ ! -x "$python" ]; then
	say "making a Python environment in $work/venv"
	"${PYTHON:-python3}" -m venv "$work/venv"
fi
"$python" -m pip install --quiet --disable-pip-version-check fonttools==4.68.0

# Names of people hold any of Latin-1, Latin Extended-A, Greek and Cyrillic; then dashes, quotes,
# the bullet, the ellipsis, arrows, the minus sign and comparisons.
signs=U+0020-007E,U+00A0-017F,U+0370-03FF,U+0400-045F
signs=$signs,U+2013,U+2014,U+2018-201E,U+2022,U+2026,U+2190-2193,U+2212,U+2260,U+2264,U+2265
for font in DejaVuSans DejaVuSans-Bold; do
	# The names kept are copyright, family, version and licence. No hints: text is drawn large.
	"$python" -m fontTools.subset "$work/$font.ttf" --unicodes="$signs" --no-hinting \
		--layout-features=kern --name-IDs=0,1,2,3,4,5,6,13,14 --notdef-outline \
		--no-recalc-timestamp --drop-tables+=FFTM --output-file="$root/calib/assets/$font.ttf"
done
cp "$work/LICENSE_DEJAVU" "$root/calib/assets/LICENSE_DEJAVU"
