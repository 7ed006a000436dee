#!/usr/bin/env bash
# Fetches what building and running need and this machine lacks: ONNX Runtime's
# library and, on Linux, libclang. Both come through pip into the user's cache
# folder, are checked by hash, and are fetched once.
set -euo pipefail
cd "$(dirname "$0")/.."

need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "setup: $1 is missing; $2" >&2
    exit 1
}
need cargo "install Rust (rustup) first"
need python3 "install Python 3 with pip"
need cc "install a C compiler (gcc or clang)"
python3 -m pip --version >/dev/null 2>&1 || {
    echo "setup: python3 has no pip; install it (python3-pip)" >&2
    exit 1
}
scripts/fetch-runtime.sh >/dev/null
scripts/fetch-runtime.sh --licences >/dev/null # make dist lays them beside the programs
if [ "$(uname -s)" = Linux ]; then
    scripts/fetch-libclang.sh >/dev/null
fi
