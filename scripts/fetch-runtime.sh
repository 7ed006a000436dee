#!/bin/sh
# Brings ONNX Runtime's shared library into the user's cache folder, unless it is
# there, and prints its path on the last line of stdout. Messages go to stderr.
#
# The library comes out of the official Python wheel (MIT licence). ORT_DYLIB_PATH,
# when set, names another build of it and nothing is fetched.
#
# With --licences it brings the library's licence and those of what is inside of it, which
# must go along with the library, and prints their folder.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/fetch-wheel.sh"

version=1.31.1

if [ "${1:-}" = --licences ]; then
	# The wheels of the three platforms below have the same texts: compared for this version. Of
	# another one they would not match their hashes here.
	folder=$(gaze_cache)/onnxruntime-$version/licences
	wheel_member onnxruntime $version manylinux_2_28_x86_64 onnxruntime/LICENSE \
		2f07c72751aed99790b8a4869cf2311df85a860b22ded05fa22803587a48922c "$folder/LICENSE"
	wheel_member onnxruntime $version manylinux_2_28_x86_64 onnxruntime/ThirdPartyNotices.txt \
		143764b952fdb1a7c69ce653bfba74a7744d6a8a573bfb73e235fba356c83de3 "$folder/ThirdPartyNotices.txt"
	printf '%s\n' "$folder"
	exit 0
fi

if [ -n "${ORT_DYLIB_PATH:-}" ]; then
	[ -f "$ORT_DYLIB_PATH" ] || die "ORT_DYLIB_PATH names $ORT_DYLIB_PATH, which is not a file: correct it or unset it"
	printf '%s\n' "$ORT_DYLIB_PATH"
	exit 0
fi

platform=$(gaze_platform)
case "$platform" in
linux-x86_64)
	wheel=manylinux_2_28_x86_64
	member=onnxruntime/capi/libonnxruntime.so.$version
	sha=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3
	;;
linux-aarch64)
	wheel=manylinux_2_28_aarch64
	member=onnxruntime/capi/libonnxruntime.so.$version
	sha=8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467
	;;
macos-arm64)
	wheel=macosx_14_0_arm64
	member=onnxruntime/capi/libonnxruntime.$version.dylib
	sha=d586cbe89effc085a09d3341b3cfbd5c322517f9d397aeb20814af21433f2b36
	;;
*) die "there is no ONNX Runtime $version for $platform: build it and set ORT_DYLIB_PATH to its shared library" ;;
esac

# A folder per platform only when fetching for another machine.
folder=$(gaze_cache)/onnxruntime-$version${GAZE_PLATFORM:+-$GAZE_PLATFORM}
path=$folder/$(basename "$member")
wheel_member onnxruntime $version "$wheel" "$member" "$sha" "$path"
printf '%s\n' "$path"
