# What people and CI run. Each target makes .venv first if it has to: Python 3.11 or newer, pip and make are enough.
#
#   make demo    a whole campaign of 10,000 encrypted messages on the embedded sandbox, in ./zalosync-demo
#   make test    all tests
#   make nightly the long programmes, some hours
#   make check   lint, format, types, import contracts
#   make bench   the measured comparisons
#   make coverage that tests of ledger and apply reach every branch of them
#   make lock    requirements.lock anew, from the ranges in pyproject.toml
#   make clean   away with .venv, the demo and everything that tools left behind

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   ?= zalosync-demo
JOBS   ?= auto
BENCHES := templates hostile audience plan apply refresh sandbox simulator
COVER  := zalosync/apply/*,zalosync/ledger/*,zalosync/compose/message.py,zalosync/compose/spelling.py
COVERED := tests/contract/test_ledger.py tests/hostile/test_ledger_files.py tests/property/test_identity.py tests/property/test_spelling.py \
  $(addprefix tests/unit/test_,$(addsuffix .py,adopt apply_held breaker caps chain classify key ledger_damage \
  ledger_edges ledger_home ledger_size letters lineage pin place rescue run run_decisions run_edges run_execute run_flight seal status \
  webhook_proof))
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test nightly check check-lint check-format check-types check-imports bench coverage lock clean

help:
	@sed -n 's/^#   //p' Makefile

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11: name a newer one, as in make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)" >&2; $(PYTHON) -m venv $(VENV); }
	@echo "installing what requirements.lock names" >&2
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/zalosync demo $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS)

nightly: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) -m nightly

check: check-lint check-format check-types check-imports

check-lint: $(READY)
	$(BIN)/ruff check

check-format: $(READY)
	$(BIN)/ruff format --check

check-types: $(READY)
	$(BIN)/mypy

check-imports: $(READY)
	$(BIN)/lint-imports --no-logo

bench: $(READY)
	$(foreach each,$(BENCHES),$(BIN)/python benchmarks/$(each).py &&) true

# Not the simulator, which tracing would slow, nor tests that start processes: what these reach by chance is not held.
coverage: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report= $(COVERED)
	$(BIN)/coverage report --include='$(COVER)' --show-missing --skip-covered --fail-under=100

# uv writes one lock for every platform and Python; it is needed for nothing else, so it gets a place of its own.
lock:
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	build/lock/bin/uv pip compile --no-config --universal --python-version 3.11 --generate-hashes --no-strip-extras --upgrade \
	  --extra dev --extra excel --extra postgres --custom-compile-command "make lock" --quiet \
	  --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) zalosync-demo build dist htmlcov coverage.xml .coverage .hypothesis .pytest_cache .mypy_cache \
	  .ruff_cache .import_linter_cache
	find zalosync tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
