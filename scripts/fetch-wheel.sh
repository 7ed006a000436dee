# Functions for the fetch scripts; read in with `. scripts/fetch-wheel.sh`.
#
# Python wheels are zip files that carry the native libraries we need, for every
# platform, under a version that never changes. pip brings them with whatever
# index, proxy and certificates the user has set up; root is never needed.

say() { printf '%s\n' "$*" >&2; }
die() {
	say "error: $*"
	exit 1
}

# The user's cache folder.
gaze_cache() {
	if [ -n "${GAZE_CACHE:-}" ]; then
		printf '%s\n' "$GAZE_CACHE"
	elif [ -n "${XDG_CACHE_HOME:-}" ]; then
		printf '%s\n' "$XDG_CACHE_HOME/gaze"
	else
		[ -n "${HOME:-}" ] || die "HOME is not set: set GAZE_CACHE to a folder for fetched files"
		printf '%s\n' "$HOME/.cache/gaze"
	fi
}

# linux-x86_64, linux-aarch64, macos-arm64, … GAZE_PLATFORM overrides it, to
# fetch for another machine.
gaze_platform() {
	if [ -n "${GAZE_PLATFORM:-}" ]; then
		printf '%s\n' "$GAZE_PLATFORM"
		return
	fi
	case "$(uname -s)" in
	Linux) os=linux ;;
	Darwin) os=macos ;;
	*) os=$(uname -s) ;;
	esac
	case "$(uname -m)" in
	arm64 | aarch64) if [ $os = macos ]; then cpu=arm64; else cpu=aarch64; fi ;;
	x86_64 | amd64) cpu=x86_64 ;;
	*) cpu=$(uname -m) ;;
	esac
	printf '%s-%s\n' "$os" "$cpu"
}

sha256_of() {
	if command -v sha256sum >/dev/null 2>&1; then
		sha256sum "$1" | cut -d ' ' -f 1
	else
		shasum -a 256 "$1" | cut -d ' ' -f 1
	fi
}

# wheel_member NAME VERSION WHEEL_PLATFORM MEMBER SHA256 DESTINATION
# Puts the one file MEMBER of the wheel at DESTINATION. Does nothing when it is
# there already; a file with another hash is fetched again. Interrupted or run
# twice at once it leaves either no file or the whole file.
wheel_member() {
	wm_name=$1 wm_version=$2 wm_platform=$3 wm_member=$4 wm_sha=$5 wm_dest=$6
	if [ -f "$wm_dest" ]; then
		[ "$(sha256_of "$wm_dest")" = "$wm_sha" ] && return 0
		say "$wm_dest is damaged (its sha256 is not the expected one): fetching it again"
	fi
	python3 -m pip --version >/dev/null 2>&1 ||
		die "fetching $wm_name needs python3 with pip: install them (Debian: python3-pip), or put the file at $wm_dest yourself"
	wm_dir=$(dirname "$wm_dest")
	mkdir -p "$wm_dir" 2>/dev/null || die "cannot make the folder $wm_dir: set GAZE_CACHE to one you may write"
	wm_tmp=$(mktemp -d "$wm_dir/.fetch.XXXXXX") || die "cannot write in $wm_dir: set GAZE_CACHE to a folder you may write"
	trap 'rm -rf "$wm_tmp"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP

	say "fetching $wm_name $wm_version ($wm_platform) with pip into $wm_dir"
	# The Python version is named because the user's own may be newer than the wheel.
	if ! python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
		--only-binary=:all: --platform "$wm_platform" --python-version 3.12 \
		--dest "$wm_tmp" "$wm_name==$wm_version" >"$wm_tmp/log" 2>&1; then
		die "pip could not fetch $wm_name==$wm_version for $wm_platform (is there a network, or an index that holds it?): $(grep -v '^$' "$wm_tmp/log" | tail -n 1)"
	fi
	python3 -c '
import sys, zipfile, shutil
wheel, member, to = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    inside = [n for n in z.namelist() if n == member or n.endswith("/" + member)]
    if len(inside) != 1:
        sys.exit(1)
    with z.open(inside[0]) as src, open(to, "wb") as dst:
        shutil.copyfileobj(src, dst, 1 << 20)
' "$wm_tmp"/*.whl "$wm_member" "$wm_tmp/member" 2>"$wm_tmp/log" ||
		die "the wheel of $wm_name $wm_version holds no $wm_member, or the disk is full: $(tail -n 1 "$wm_tmp/log")"
	wm_got=$(sha256_of "$wm_tmp/member")
	[ "$wm_got" = "$wm_sha" ] ||
		die "$wm_member of $wm_name $wm_version has sha256 $wm_got, expected $wm_sha: not used"
	chmod 644 "$wm_tmp/member"
	mv -f "$wm_tmp/member" "$wm_dest"
	rm -rf "$wm_tmp"
	trap - EXIT INT TERM HUP
	say "stored $wm_dest ($wm_name $wm_version, sha256 checked)"
}
