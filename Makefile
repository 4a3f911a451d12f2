# Longshore. `make demo` and `make test` are all a newcomer needs; both install what is missing.
# Everything that is built or installed goes to target/.

CARGO ?= cargo
VENV := target/venv
DEMO_PROFILE ?= release
# End-to-end tests at once. Most of their time they wait for programs that they started; more than this would only slow them down on two cores.
WORKERS ?= 2

.PHONY: help setup python node fault-tools c-tools demo test prove prove-copies policy-differential lint licences docs bench clean

help: ## Show this help
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install what building needs and is missing (the wasm32 standard library, a C compiler)
	@scripts/setup

python: ## Install what the tests need and is missing (moto, boto3, s5cmd, componentize-py, in target/venv)
	@scripts/python

node: ## Install what tests need and is missing: another policy evaluator, what makes operations of JavaScript (in target/node)
	@scripts/node

fault-tools: ## Install what the tests of crashes and clocks need and is missing (strace, faketime)
	@scripts/fault-tools

c-tools: ## Install what the tests of operations in C need and is missing (clang, a C library for WebAssembly)
	@scripts/c-tools

demo: setup ## Build, then run one job of each operation on the embedded store and show the reports
	$(CARGO) build --profile $(DEMO_PROFILE) --package longshore-cli
	@scripts/demo $(DEMO_PROFILE)

test: setup python node fault-tools c-tools ## Run the whole test suite
	$(CARGO) build --workspace --bins --examples
	$(CARGO) test --workspace
	@scripts/fuzz
	@scripts/languages
	$(VENV)/bin/python tests/policy/differential.py --seed 1 --cases 20000
	$(VENV)/bin/python -m pytest tests/e2e tests/hostile --numprocesses $(WORKERS) --dist loadfile

prove: setup python fault-tools ## Kill the engine, cut the power, break the disk at every step; kill at 300 random moments (hours)
	$(CARGO) build --package longshore-cli
	CRASH_EVERY=1 CRASH_MOMENTS=300 POWER_EVERY=1 DISK_EVERY=1 RACE_SEEDS=200 \
	  $(VENV)/bin/python -m pytest tests/e2e/test_crash_points.py tests/e2e/test_power_loss.py tests/e2e/test_disk.py \
	  tests/e2e/test_clock.py

prove-copies: setup python ## Copy 6 GiB and 10,000 objects, in a store and between two, with kills in between (minutes)
	$(CARGO) build --package longshore-cli
	TEST_LARGE=1 $(VENV)/bin/python -m pytest --capture=no tests/e2e/test_large_copy.py

SEED ?= 1
CASES ?= 100000

policy-differential: setup python node ## Compare policy decisions with an independent evaluator (SEED=1 CASES=100000)
	$(CARGO) build --package longshore-cli
	$(VENV)/bin/python tests/policy/differential.py --seed $(SEED) --cases $(CASES)

lint: setup ## Formatting, lints and documentation, all without warnings
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

licences: ## Check the licences and sources of all dependencies
	@scripts/licences

bench: setup python node c-tools ## Measure policy decisions, lists, copies, plugins and the engine, with iam-rs, DuckDB, s5cmd, rclone and Extism beside them
	@scripts/bench-peers
	$(CARGO) bench --package longshore-policy --bench decide
	$(CARGO) build --release --package longshore-cli
	@$(VENV)/bin/python tests/bench/ingest.py $(or $(CARGO_TARGET_DIR),target)/release/longshore
	$(CARGO) run --release --package longshore-queue --example results_rate
	$(CARGO) run --release --package longshore-queue --example restart_time
	@$(VENV)/bin/python tests/bench/bench.py $(or $(CARGO_TARGET_DIR),target)/release/longshore
	@$(VENV)/bin/python tests/bench/listing.py $(or $(CARGO_TARGET_DIR),target)/release/longshore
	@$(VENV)/bin/python tests/bench/copies.py $(or $(CARGO_TARGET_DIR),target)/release/longshore
	$(CARGO) build --release --package longshore-builtins --example per_task
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check extism==1.1.1 extism-sys==1.41.0
	@scripts/languages
	@$(VENV)/bin/python tests/bench/plugins.py $(or $(CARGO_TARGET_DIR),target)/release/examples/per_task \
	  target/languages/csv-profile.wasm target/languages/count-values.wasm

clean: ## Remove everything that was built or installed here
	rm -rf target
