#!/usr/bin/env bash
# Throws broken inputs at every door through which bytes of others come in.
#
#     scripts/fuzz.sh [SECONDS for each door] [SEED]
#
# What is found lies in fuzz-found/ in the build folder; exit code 1 then.
set -euo pipefail
cd "$(dirname "$0")/.."
each=${1:-20} seed=${2:-1}
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --workspace --bin gaze_fuzz
code=0
"$target/debug/gaze_fuzz" --seconds "$each" --seed "$seed" --out "$target/fuzz-found" || code=$?
# The C reader, with the sanitizers where the compiler has them.
reader=$target/fuzz_gaze
build() {
	"${CC:-cc}" -std=c11 -O1 -g -Wall -Wextra -Werror "$@" -I include tests/c/fuzz_gaze.c \
		-o "$reader" -lpthread
}
if ! build -fsanitize=address,undefined -fno-sanitize-recover=all 2>/dev/null; then
	echo "fuzz: ${CC:-cc} has no address and undefined-behaviour sanitizers here: without them"
	build
fi
# One that hangs is ended, and its shared memory is not left.
trap 'rm -f "/dev/shm/gaze-fuzz-$(cat "$reader.pid" 2>/dev/null)"' EXIT
timeout "$((each + 60))" sh -c 'echo $$ >"$0.pid"; exec "$0" "$@"' "$reader" "$each" "$seed" || code=1
exit "$code"
