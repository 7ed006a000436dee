#!/bin/sh
# Prints the environment the build and the programs need, as export lines:
#
#     eval "$(scripts/env.sh)"
#
# Fetches what is missing (see fetch-libclang.sh, fetch-runtime.sh). Prints
# nothing and fails when something cannot be had.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# Single quotes for the shell that will read it.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

clang=$("$here/fetch-libclang.sh" | tail -n 1)
[ -n "$clang" ] || exit 1
runtime=$("$here/fetch-runtime.sh" | tail -n 1)
[ -n "$runtime" ] || exit 1

printf 'export LIBCLANG_PATH=%s\n' "$(quoted "$clang")"
# libclang without clang beside it does not know where stddef.h and its like are;
# the C compiler that builds everything else does. (Apple's finds its own.)
if [ "$(uname -s)" = Linux ]; then
	include=$("${CC:-cc}" -print-file-name=include 2>/dev/null || gcc -print-file-name=include)
	printf 'export BINDGEN_EXTRA_CLANG_ARGS=%s\n' "$(quoted "${BINDGEN_EXTRA_CLANG_ARGS:--I$include}")"
fi
# ONNX Runtime's builds, Python's too, report to their makers otherwise; the programs set it
# themselves.
printf 'export ORT_DISABLE_TELEMETRY=1\n'
printf 'export ORT_DYLIB_PATH=%s\n' "$(quoted "$runtime")"
