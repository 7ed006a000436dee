#!/bin/sh
# An X server without a screen, and the libraries that windows load, for the test that drives a
# whole calibration (tests/tests/calibration_window.rs). Only tests need them.
#
# As root on a system with apt-get they are installed; elsewhere a line says how. Ends with 0
# when Xvfb is there, with 1 when it is not: that test is then left out.
set -eu
packages="xvfb libxcursor1 libxi6 libxkbcommon-x11-0 libx11-xcb1 libxrandr2"

there() {
	command -v Xvfb >/dev/null || return 1
	libraries=$(ldconfig -p 2>/dev/null) || return 0
	for name in libXcursor.so.1 libXi.so.6 libxkbcommon-x11.so.0 libX11-xcb.so.1 libXrandr.so.2; do
		case $libraries in *"$name "*) ;; *) return 1 ;; esac
	done
}

[ "$(uname -s)" = Linux ] || { echo "fetch-xvfb: only on Linux" >&2; exit 1; }
there && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "fetch-xvfb: to test windows, install: $packages" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
install() { apt-get install -qq -y --no-install-recommends $packages >/dev/null 2>&1; }
install || { apt-get update -qq >/dev/null 2>&1 && install; } || {
	echo "fetch-xvfb: apt-get could not install: $packages" >&2
	exit 1
}
there
