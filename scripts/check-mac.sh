#!/bin/bash
# Type-checks every member for a Mac with Apple silicon, on a machine that is none:
#
#     make check-mac
#     scripts/check-mac.sh --without-trainer   # leaves Burn out: what `make test` does
#
# Needs Rust's standard library for that target, which rustup brings; it is fetched
# by name where it is not there. Nothing is linked, so the C and C++ of other crates
# is not compiled: a stand-in makes empty files of it. The trainer's back ends for
# graphics processors are left out. The last line says what became of it.
set -u
cd "$(dirname "$0")/.." || exit 1
target=aarch64-apple-darwin
selection=()
if [ "${1:-}" = --without-trainer ]; then
	# Tests of the whole system have the trainer among their crates.
	selection=(--exclude gaze-trainer --exclude gaze-tests)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

not_run() {
	echo "check-mac: not run ($1)"
	exit 0
}

has_target() { [ -d "$("${RUSTC:-rustc}" --print target-libdir --target $target 2>/dev/null)" ]; }
if ! has_target; then
	command -v rustup >/dev/null 2>&1 || not_run "no standard library for $target, and no rustup to fetch it"
	echo "fetching Rust's standard library for $target through rustup" >&2
	if ! timeout 300 rustup target add $target >"$work/log" 2>&1 || ! has_target; then
		cat "$work/log" >&2
		not_run "rustup cannot fetch the standard library for $target"
	fi
fi

# What a compiler or an archiver would have written, empty. On a Mac the real ones are there.
if [ "$(uname -s)" != Darwin ]; then
	cat >"$work/stand-in" <<'STAND_IN'
#!/bin/sh
out=
while [ $# -gt 0 ]; do
	case $1 in
	-o) out=$2 && shift ;;
	-o*) out=${1#-o} ;;
	*.a) [ -n "$out" ] || out=$1 ;;
	esac
	shift
done
[ -z "$out" ] || : >"$out"
STAND_IN
	chmod +x "$work/stand-in"
	for tool in CC CXX AR RANLIB; do
		export "${tool}_aarch64_apple_darwin=$work/stand-in"
	done
fi

# Nothing of this is run but macros and build scripts: they need no optimising.
code=0
"${CARGO:-cargo}" check --quiet --target $target --workspace "${selection[@]+"${selection[@]}"}" --lib --bins \
	--config 'profile.dev.package."*".opt-level=0' >"$work/log" 2>&1 || code=$?
if [ "$code" -eq 0 ]; then
	cat "$work/log" >&2
	[ "${#selection[@]}" -eq 0 ] || echo "gaze-trainer was left out: make check-mac has it"
	echo "check-mac: passed"
	exit 0
fi
cat "$work/log" >&2
if [ "$code" -gt 128 ]; then
	echo "check-mac: not run (stopped by signal $((code - 128)))"
	exit "$code"
fi
# What is missing is not what is wrong: crates that cannot be had are no verdict on our code.
if grep -qE 'failed to (download|get|fetch)|could not (download|resolve host)|Could not resolve host|spurious network error' "$work/log"; then
	not_run "its crates cannot be fetched here"
fi
echo "check-mac: failed"
exit 1
