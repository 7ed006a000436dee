#!/bin/sh
# Prints, on the last line of stdout, the folder that holds libclang (what bindgen
# takes as LIBCLANG_PATH). Messages go to stderr.
#
# Linux only: the camera bindings there are generated from the kernel's headers
# at build time. One installed on the system is used; otherwise PyPI's wheel of
# it is put in the user's cache folder.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/fetch-wheel.sh"

version=18.1.1

# Whether the folder $1 holds a libclang that bindgen would load.
holds() {
	for f in "$1"/libclang.so "$1"/libclang-[0-9]*.so* "$1"/libclang.so.[0-9]* "$1"/libclang.dylib; do
		[ -f "$f" ] && return 0
	done
	return 1
}

if [ -n "${LIBCLANG_PATH:-}" ]; then
	[ -f "$LIBCLANG_PATH" ] || holds "$LIBCLANG_PATH" ||
		die "LIBCLANG_PATH names $LIBCLANG_PATH, where there is no libclang: correct it or unset it"
	printf '%s\n' "$LIBCLANG_PATH"
	exit 0
fi

platform=$(gaze_platform)
if [ -z "${GAZE_PLATFORM:-}" ]; then
	# The newest LLVM first: sort by the number in its name.
	for dir in $(printf '%s\n' /usr/lib/llvm-*/lib /usr/lib/llvm/*/lib* | sort -t - -k 2 -n -r) \
		/usr/lib/"$(uname -m)"-linux-gnu /usr/lib64 /usr/lib /usr/local/lib \
		/Library/Developer/CommandLineTools/usr/lib \
		/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib; do
		if holds "$dir"; then
			printf '%s\n' "$dir"
			exit 0
		fi
	done
fi

case "$platform" in
linux-x86_64)
	wheel=manylinux2010_x86_64
	library=libclang.so
	sha=a8612b1c9a7125701277f63e5616f1d1eb9c91410c4bf195878067868c927f94
	;;
linux-aarch64)
	wheel=manylinux2014_aarch64
	library=libclang.so
	sha=87cc443de7278fa112ed50fac8844b1d5c6344f549b8b514e4381f26da006f65
	;;
macos-arm64)
	wheel=macosx_11_0_arm64
	library=libclang.dylib
	sha=58ed3e937d7d87fdf13b177e39b6d7b26089fe1460c0d1e958707661277b6454
	;;
*) die "there is no packaged libclang $version for $platform: install libclang and set LIBCLANG_PATH to its folder" ;;
esac

folder=$(gaze_cache)/libclang-$version${GAZE_PLATFORM:+-$GAZE_PLATFORM}
wheel_member libclang $version "$wheel" "clang/native/$library" "$sha" "$folder/$library"
printf '%s\n' "$folder"
