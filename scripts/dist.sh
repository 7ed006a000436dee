#!/usr/bin/env bash
# Lays out what is passed on, in dist/ (or DIST=…): on a Mac Gaze.app with the tools, the
# header and the templates beside it; elsewhere a folder with bin, lib, include and share.
# Both find networks and ONNX Runtime by where the program is, so they may be moved.
#
#     make dist
#     GAZE_IDENTITY="Gaze Signing" make dist   # a persistent signing identity (see README)
#
# DIST_SYSTEM=Darwin lays out the bundle from any programs, unsigned: what tests do.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}/release"
system="${DIST_SYSTEM:-$(uname -s)}"
out="${DIST:-dist}"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
runtime="${ORT_DYLIB_PATH:?run it through make dist}"

licences=$(scripts/fetch-runtime.sh --licences | tail -n 1)

half="$out.$$"
trap 'rm -rf "$half"' EXIT
rm -rf "$half"
mkdir -p "$half/include"
cp include/gaze.h include/module.modulemap "$half/include/"
cp -R include/examples "$half/include/"
cp LICENSE-APACHE LICENSE-MIT README.md "$half/"

# The networks that models.json names, and what it says of them.
models() {
    mkdir -p "$1"
    cp models/models.json models/LICENSE-Apache-2.0 models/README.md models/GAZE_BASE.md "$1/"
    cp LICENSE-MIT "$1/"
    python3 -c '
import json, sys
for network in json.load(open("models/models.json"))["networks"]:
    print(network["file"])' | while read -r file; do cp "models/$file" "$1/"; done
}

if [ "$system" = Darwin ]; then
    app="$half/Gaze.app/Contents"
    mkdir -p "$app/MacOS" "$app/Frameworks" "$app/Resources"
    cp "$target/gazed" "$target/gaze-calib" "$app/MacOS/"
    cp -L "$runtime" "$app/Frameworks/"
    models "$app/Resources/models"
    # ONNX Runtime's licence asks for its text beside the library.
    cp -R "$licences" "$app/Resources/onnxruntime"
    sed "s/@VERSION@/$version/g" launchd/Info.plist.in >"$app/Info.plist"
    cp launchd/com.gaze.gazed.plist.in "$app/Resources/"
    printf 'APPL????' >"$app/PkgInfo"
    if command -v codesign >/dev/null; then
        # From the inside out; the library by the same identity, or the hardened runtime,
        # whose library validation stays on (launchd/gazed.entitlements), refuses it. "-" signs for this machine and this build alone.
        sign() { codesign --force --timestamp=none --options runtime --sign "${GAZE_IDENTITY:--}" "$@"; }
        sign "$app/Frameworks/"*.dylib
        sign --entitlements launchd/gazed.entitlements "$app/MacOS/gaze-calib"
        sign --entitlements launchd/gazed.entitlements "$half/Gaze.app"
        codesign --verify --strict --deep "$half/Gaze.app"
        [ -n "${GAZE_IDENTITY:-}" ] ||
            echo "dist: signed for this build alone: the camera's permission ends with the next build; see README" >&2
    else
        echo "dist: not signed, there is no codesign here" >&2
    fi
else
    mkdir -p "$half/bin" "$half/lib" "$half/share/gaze"
    cp "$target/gazed" "$target/gaze-calib" "$half/bin/"
    cp -L "$runtime" "$half/lib/"
    models "$half/share/gaze/models"
    cp -R "$licences" "$half/share/gaze/onnxruntime"
    cp launchd/gazed.service.in "$half/share/gaze/"
fi
rm -rf "$out"
mv "$half" "$out"
echo "dist: $out ($(du -sh "$out" | cut -f1)); $(find "$out" -name gazed -type f) install starts it now and at every login"
