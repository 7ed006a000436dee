#!/bin/bash
# Compiles and links the example reader of include/gaze.h for a Mac with Apple silicon,
# against that system's own headers and libraries, on a machine that is none:
#
#     make check-mac-link
#
# The compiler (Zig's, which carries clang and the Mac's headers) comes through pip into
# the user's cache folder: 80 MB to fetch, 400 MB on the disk. What comes out is not run.
# The last line says what became of it.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/fetch-wheel.sh
version=0.15.1
folder=$(gaze_cache)/ziglang-$version
zig=$folder/ziglang/zig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ZIG_GLOBAL_CACHE_DIR=$folder/cache

if [ ! -x "$zig" ]; then
	half=$folder.$$
	if ! python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
		--only-binary=:all: --target "$half" "ziglang==$version" >"$work/log" 2>&1 ||
		{ rm -rf "$folder" && ! mv "$half" "$folder"; }; then
		rm -rf "$half"
		cat "$work/log" >&2
		echo "check-mac-link: not run (pip cannot fetch ziglang $version)"
		exit 0
	fi
fi

flags=(-target aarch64-macos.14.0 -Wall -Wextra -Werror -Iinclude)
failed() {
	echo "check-mac-link: failed ($1)"
	exit 1
}
"$zig" cc "${flags[@]}" -std=c11 -O1 include/examples/gaze_watch.c -o "$work/reader" ||
	failed "gaze_watch.c as C11"
# Mach-O, 64 bits (feedfacf), for arm64 (0100000c), an executable (2).
case "$(od -An -tx4 -N16 "$work/reader" | tr -d ' \n')" in
feedfacf0100000c????????00000002) ;;
*) failed "gaze_watch.c did not become a program for a Mac" ;;
esac
# Not linked, which would first build a whole C++ library.
printf '#include "gaze.h"\nint main() { gaze_reader reader; return gaze_open(&reader, nullptr); }\n' >"$work/reader.cpp"
"$zig" c++ "${flags[@]}" -std=c++17 -c "$work/reader.cpp" -o "$work/reader.o" || failed "gaze.h as C++17"
echo "check-mac-link: passed"
