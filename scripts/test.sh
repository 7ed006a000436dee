#!/usr/bin/env bash
# What `make test` runs. Every step says its name; the first that fails ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '\n== %s\n' "$*"; }

step "formatting"
cargo fmt --all --check
step "portrait for the parity tests"
scripts/fetch-portrait.sh
step "an X server without a screen, for the window tests"
# Where it can be had the test that needs it must run.
if scripts/fetch-xvfb.sh; then export GAZE_NEED_XVFB=1; fi
step "build"
cargo build --quiet --workspace --bins --tests
scripts/build-examples.sh
step "tests of every member"
cargo test --workspace --quiet
step "models and memory checks of the ring"
scripts/check-ring.sh
step "type check for the Mac"
scripts/check-mac.sh --without-trainer
