# Everything a person needs by one word each. `make setup` fetches what the
# machine lacks into the user's cache folder; nothing here needs root.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
ENV = eval "$$(scripts/env.sh)"

.PHONY: help setup build trainer run test fuzz lint doc bench compare check-cuda check-mac check-mac-link dist clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-14s %s\n", $$1, $$2}'

setup: ## Fetch ONNX Runtime and libclang through pip, once
	@scripts/setup.sh

build: setup ## Build the programs, optimised
	@$(ENV); GAZE_BUILD="$$(git describe --always --dirty 2>/dev/null || true)" \
		$(CARGO) build --release --quiet -p gazed -p gaze-calib
	@scripts/build-examples.sh

trainer: setup ## Build gaze-trainer, optimised; Burn compiles for minutes
	@$(ENV); GAZE_BUILD="$$(git describe --always --dirty 2>/dev/null || true)" \
		$(CARGO) build --release --quiet -p gaze-trainer

run: build ## Start gazed on a camera, or on the demo, and show samples read through include/gaze.h
	@$(ENV); scripts/run.sh

test: setup ## Format, every test, the C readers, the models of the ring
	@$(ENV); scripts/test.sh

fuzz: setup ## Throw broken inputs at every door for some minutes; EACH=20 seconds, SEED=1
	@$(ENV); scripts/fuzz.sh "$(or $(EACH),20)" "$(or $(SEED),1)"

lint: setup ## Formatting, clippy and rustdoc without a warning
	@$(ENV); $(CARGO) fmt --all --check
	@$(ENV); $(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	@$(ENV); RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --workspace --no-deps

bench: build trainer ## Measure into docs/BENCH.md; SKIP="learn people" leaves parts out
	@$(ENV); scripts/bench.sh

compare: build ## Measure gazed beside mediapipe, EyeTrax and iceoryx2, into docs/SIDE_BY_SIDE.md
	@$(ENV); scripts/compare.sh

check-cuda: setup ## Type-check gaze-trainer's CUDA back end; needs no CUDA
	@$(ENV); scripts/check-cuda.sh

check-mac: setup ## Type-check every program for a Mac with Apple silicon; needs no Mac
	@$(ENV); scripts/check-mac.sh

check-mac-link: ## Link the C reader for a Mac with Zig's compiler; needs no Mac
	@scripts/check-mac-link.sh

dist: build ## Lay out what is passed on: Gaze.app on a Mac, a folder to unpack elsewhere
	@$(ENV); scripts/dist.sh

clean: ## Remove what was built (not what was fetched)
	@$(CARGO) clean
