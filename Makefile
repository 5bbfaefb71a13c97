# Every target prepares what it needs first; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup develop demo test test-quick check check-spec format bench fuzz image image-slim check-image test-real test-depth test-aarch64 test-mutants test-versions test-schedules test-faults test-faults-long test-container test-browser test-slurm audit sanitize docs lock wheels test-wheels clean
export PYTHON
# Each process of a test would compile every module that it imports, where a shell forbids to keep bytecode.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
# Whose history says what was released; empty for none.
BASE ?= HEAD
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo 4 || echo $$n)
WORKERS := -n $(JOBS) --dist loadfile --no-loadscope-reorder
BUDGET := $(if $(CPU_BUDGET),--cpu-budget $(CPU_BUDGET))
# The crates that have tests of their own.
CRATES := $(filter-out fuzz python,$(notdir $(patsubst %/Cargo.toml,%,$(wildcard native/*/Cargo.toml))))
AARCH64 := CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
AARCH64_ENGINE := --profile develop --target aarch64-unknown-linux-gnu --locked --quiet --package biobench-engine
NATIVE := Cargo.toml Cargo.lock $(shell find $(CRATES:%=native/%) -type f)

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## create .venv and build the native extension
	@tools/setup

develop: ## as setup, with an extension that is built in seconds, without LTO
	@PROFILE=develop tools/setup

demo: setup ## the main job on the embedded suite, with the demo model
	@$(BIN)/biobench run --model demo --suite demo

test: setup $(CRATES:%=target/tested/%) ## every test but those with a target of their own
	$(BIN)/pytest $(WORKERS) $(BUDGET)

test-quick: develop $(CRATES:%=target/tested/%) ## the inner loop: the tests that are not marked as slow
	$(BIN)/pytest $(WORKERS) -m "not slow" -q $(BUDGET)

# The tests of a crate run again where its sources, or a crate's that it may use, are newer.
target/tested/%: $(NATIVE) | develop
	cargo test --profile develop --locked --package biobench-$* --quiet
	@mkdir -p $(@D) && touch $@

test-real: setup ## the tasks of the folder BIOBENCH_REAL_DATA, against upstream's scores
	@[ -n "$$BIOBENCH_REAL_DATA" ] || { echo "test-real: set BIOBENCH_REAL_DATA to the folder of the data sets" >&2; exit 2; }
	$(BIN)/pytest tests/real -m real_data --timeout 3000

test-depth: setup ## what make test looks at with many models, and on an emulated processor
	$(BIN)/pytest $(WORKERS) -m depth

test-aarch64: setup ## the exact arithmetic on an emulated aarch64 processor; needs qemu-user, gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and rustup's target
	ENGINE_ROUNDS=4 $(AARCH64) cargo test $(AARCH64_ENGINE) \
	  --test digest --test kernels --test training --test regression --test hinge --test program --test vectors
	@rm -rf target/families
	$(BIN)/python tests/golden/families.py target/families
	$(AARCH64) cargo run $(AARCH64_ENGINE) --example features -- target/families

test-mutants: setup ## every wrong implementation of tools/mutants fails a vector; needs node
	$(BIN)/python tools/mutants/run.py --quiet

test-versions: setup ## the same programs under the oldest supported libraries, which are fetched first (3 GB); NEWEST=1: under the newest
	$(BIN)/python tools/library_versions.py $(if $(NEWEST),--newest)

test-schedules: setup ## no schedule moves a bit: every one of the whole demo suite, killed at many places
	$(BIN)/pytest tests/golden -m long

test-faults: setup ## kills, full disks, damaged stores, moving images, lying servers: a sample of each
	$(BIN)/pytest tests/faults -m faults $(WORKERS)

test-faults-long: setup ## the whole of them, hours; SCALE=0.1: a tenth, SEED=n: other draws, ONLY=kills: one file
	BIOBENCH_FAULTS_SCALE=$(or $(SCALE),1) BIOBENCH_FAULTS_SEED=$(or $(SEED),0) \
	  $(BIN)/pytest tests/faults$(if $(ONLY),/test_$(ONLY).py) -m faults $(WORKERS) --timeout 40000

check: develop ## lint and types; what pre-commit runs
	$(BIN)/python tools/make_page_port.py --check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cargo fmt --all --check
	cargo fmt --manifest-path native/fuzz/Cargo.toml --check
	cargo clippy --release --locked --workspace --all-targets --quiet -- -D warnings

check-spec: setup ## the specification: documents, vectors, this implementation's answers, versions
	$(BIN)/biobench spec validate
	$(BIN)/python tools/make_vectors.py --check
	$(BIN)/python tools/check_rules.py
	$(BIN)/biobench conformance run
	$(BIN)/python tools/check_versions.py $(if $(BASE),--base $(BASE))

format: setup ## format the sources
	$(BIN)/ruff format .
	cargo fmt --all
	cargo fmt --manifest-path native/fuzz/Cargo.toml

bench: setup ## speed, beside what users know, which is fetched first (2 GB); QUICK=1: three minutes
	$(BIN)/python tests/benchmarks/decode.py $(if $(QUICK),--quick --limit 16)
	$(BIN)/python tests/benchmarks/memory.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/pipeline.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/forward.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/look_up.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/files.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/logistic.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/linear.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/metrics.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/centroid.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/neighbours.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/throughput.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/large_store.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/run_memory.py $(if $(QUICK),--quick)
	$(BIN)/python tests/benchmarks/crowd.py $(if $(QUICK),--quick)

fuzz: setup ## hostile files and geometries; EXECUTIONS=n over all targets, or SECONDS=n for each
	$(BIN)/python tools/fuzz.py $(if $(SECONDS),--seconds $(SECONDS),--executions $(or $(EXECUTIONS),10000000))

sanitize: setup ## the tests of native/pixels with C and Rust under sanitizers, with the corpus of make fuzz
	$(BIN)/python tools/sanitize.py

docs: setup ## the documentation as a site, in target/site; a link that leads nowhere is an error
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs -b html . target/site

audit: setup ## licences, sources and hashes of what the project is built of, and known vulnerabilities
	$(BIN)/python tools/audit.py

image: setup ## build the container image biobench:1.0 with this machine's Docker engine
	containers/build $(IMAGE_OPTIONS)

image-slim: setup ## build biobench:1.0-slim, without torch; IMAGE_OPTIONS as in containers/build --help
	containers/build --slim $(IMAGE_OPTIONS)

check-image: setup ## build the slim image twice from nothing; both must be the same, byte for byte
	containers/reproduce --slim $(IMAGE_OPTIONS)

test-container: demo ## run the images as users do; needs `make image image-slim` and a Docker engine
	$(BIN)/pytest tests/packaging -m container --timeout 1800

test-browser: setup ## the pages in a real browser; needs chromium
	$(BIN)/pytest tests/browser -m browser

test-slurm: setup ## workers under a real Slurm of two nodes; needs slurm-wlm and munge
	$(BIN)/pytest tests/slurm -m slurm -n 0

wheels: setup ## the wheels of a release, manylinux, for x86-64 and aarch64; ARCH=aarch64: that one
	$(BIN)/python tools/make_wheels.py $(ARCH)

test-wheels: setup ## install what make wheels built: x86-64 here, aarch64 emulated; needs qemu-user and mmdebstrap
	$(BIN)/pytest tests/packaging -m wheels --timeout 900

lock: setup ## write requirements/*.txt anew from pyproject.toml
	UV=$(BIN)/uv tools/lock

clean: ## remove what was built, not what was computed
	rm -rf .venv target dist containers/.build tests/benchmarks/.cache runner/biobench/_native*.so runner/biobench/_spec
