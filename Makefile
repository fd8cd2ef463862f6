# Every target sets itself up: Python 3.11 or newer and make are enough.
# The first interpreter that is new enough; name another one with PYTHON=...
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(shell for name in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$name -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$name && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
JOBS ?= 2
# Compiled modules are kept: a supervisor that compiles itself at each start is another program.
export PYTHONDONTWRITEBYTECODE :=
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --retries 10

.PHONY: setup demo test check format clean docs tables model mutate fuzz messages sync-test real-chain bench nights

setup: $(STAMP)

$(STAMP): pyproject.toml requirements-dev.txt
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "Python 3.11 or newer with venv is needed; name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@for attempt in 1 2 3; do \
		$(PIP) -r requirements-dev.txt && $(PIP) --no-deps --no-build-isolation --editable . && exit 0; \
		echo "set-up failed (attempt $$attempt of 3)" >&2; sleep 5; done; exit 1
	@touch $(STAMP)

demo: setup
	$(BIN)/python -m cosmovisor.demo --home demo-home

# Many upgrades in one life, with signals and kills at random instants: make life UPGRADES=100 SEED=7
UPGRADES ?= 100
SEED ?= 7
life: setup
	$(BIN)/python -m tests.scenario.life --upgrades $(UPGRADES) --seed $(SEED)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

test-failed: setup
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none -n 0

# The fuzz tests of `make test` with random seeds and FACTOR times as many examples, each file in turn.
FACTOR ?= 100
fuzz: setup
	FUZZ_FACTOR=$(FACTOR) $(BIN)/python -m pytest tests/hostile -k fuzz -n $(JOBS) --timeout 0 $(ARGS)

# UPGRADES upgrades of the demo chain in one unattended run, with a kill after every other one; SEED picks which.
UPGRADES ?= 30
SEED ?= 7
sync-test: setup
	SYNC_UPGRADES=$(UPGRADES) SYNC_SEED=$(SEED) $(BIN)/python -m pytest tests/scenario/test_sync.py -k cuts -n 0 --durations=3 $(ARGS)

# The messages that are read from a chain, generated anew from their schema (fetches the generator).
messages:
	$(PYTHON) tools/generate_messages.py

# A real daemon through a governed upgrade; needs Go and a C compiler, builds for minutes the first time.
# ONLY=tip,kill-group picks modes; TOOL=go runs the Go tool instead of ours.
TOOL ?= ours
real-chain: setup
	$(BIN)/python -m tools.real_chain --tool $(TOOL) --only '$(ONLY)'

# Figures side by side with the Go tool, built from its public module; needs Go and a C compiler.
bench: setup
	$(BIN)/python -m benchmarks $(ARGS)

# SIGKILL at every durable call and journal step of real upgrades, each TIMES times or until MINUTES are over.
TIMES ?= 10
MINUTES ?= 240
cuts: setup
	$(BIN)/python -m tests.crash.cuts_full --times $(TIMES) --minutes $(MINUTES) --jobs $(JOBS)
	$(BIN)/python -m tests.crash.cuts_full --faults --times 1 --minutes $(MINUTES) --jobs $(JOBS)

# The power cut at every write to ext4, xfs and btrfs on loop devices; needs root, e2fsprogs, xfsprogs, btrfs-progs.
STATES ?= 10000
power-cut: setup
	$(BIN)/python -m tests.crash.power_full --states $(STATES) --jobs $(JOBS)

# What the tables decide, over every combination of facts, written to docs/decisions.md.
tables: setup
	$(BIN)/python tools/generate_decisions.py

# Breadth-first search over the real decision code and a small chain; ONLY=name picks configurations, ARGS=--page writes
# docs/model-run.md.
model: setup
	$(BIN)/python -m tests.model --jobs $(JOBS) $(ONLY) $(ARGS)

# Small wrong changes in the decision code, one at a time; each must make a test fail: make mutate ARGS="--only skip"
mutate: setup
	$(BIN)/python tools/mutate.py --jobs $(JOBS) $(if $(ARGS),$(ARGS),--page docs/mutation.md)

# Upgrade nights in made-up time with faults from a seed; `--replay SEED` of tests.simulation tells one of them.
NIGHTS ?= 100000
SEED ?= 0
nights: setup
	$(BIN)/python -m tests.simulation --nights $(NIGHTS) --seed $(SEED) --jobs $(JOBS)

# Figures of staging, scout and warmed starts; builds one real daemon the first time.
.PHONY: bench-ahead
bench-ahead: setup
	$(BIN)/python -m benchmarks.ahead $(ARGS)

# What a backup costs at the halt where files can only be copied, with and without the copy ahead.
.PHONY: bench-backup
bench-backup: setup
	$(BIN)/python -m benchmarks.backup $(ARGS)

# The documentation as a site in site/; a broken link is an error.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build site
