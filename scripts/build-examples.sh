#!/usr/bin/env bash
# Compiles the C example readers into target/examples.
set -euo pipefail
cd "$(dirname "$0")/.."
out="${CARGO_TARGET_DIR:-target}/examples"
mkdir -p "$out"
for source in include/examples/*.c; do
    cc -std=c11 -O2 -Wall -Wextra -Werror -Iinclude "$source" -o "$out/$(basename "$source" .c)" -lm
done
