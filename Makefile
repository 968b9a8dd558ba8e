# `make` or `make help` lists what there is to do here.
# Needs make, git and a Python of 3.11 or newer; another one is named with PYTHON=/path/to/python.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BENCH_INSTALLED := $(VENV)/.installed-bench
PIP_INSTALL := $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check
COMPILE := .venv-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"
PYTHON ?=
EVENTS ?= 1000000
BENCH_OPTIONS ?=
RELIABILITY_OPTIONS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test explore lint check golden bench reliability lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(INSTALLED) ## Set up .venv with lago and all it takes to work on it
	@echo "lago is installed: $(BIN)/lago"

demo: $(INSTALLED) ## Define metrics, ingest sample events twice, show usage and invoices
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_events/demo.sh

test: $(INSTALLED) ## Run every test; choose some with TESTS="-k usage"
	$(BIN)/python -m pytest -n auto --dist worksteal $(TESTS)

explore: $(INSTALLED) ## Run the property tests with examples that were never tried
	$(BIN)/python -m pytest -n auto --hypothesis-profile=explore -m hypothesis $(TESTS)

lint: $(INSTALLED) ## Check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check: lint test ## Lint, then run every test

golden: $(INSTALLED) ## Write the expected outputs of the CLI tests anew; review them with git diff
	$(BIN)/python -m pytest -q tests/cli --update-golden $(TESTS)

bench: $(BENCH_INSTALLED) ## Measure speed and memory (minutes; less with EVENTS=100000)
	$(BIN)/python -m benchmarks --events $(EVENTS) $(BENCH_OPTIONS)
	$(BIN)/python -m benchmarks.serving $(BENCH_OPTIONS)

reliability: $(INSTALLED) ## Kill, crowd, fill, damage and fuzz (half an hour; RELIABILITY_OPTIONS="--only kill")
	$(BIN)/python -m reliability $(RELIABILITY_OPTIONS)

lock: $(INSTALLED) ## Resolve the locked versions anew
	@$(BIN)/python -m venv --clear .venv-lock && \
	trap 'rm -rf .venv-lock' EXIT && \
	.venv-lock/bin/python -m pip install -qq --disable-pip-version-check uv && \
	echo "requirements.lock" && $(COMPILE) -o requirements.lock pyproject.toml && \
	echo "requirements-dev.lock" && $(COMPILE) -c requirements.lock --extra dev \
		-o requirements-dev.lock pyproject.toml && \
	echo "requirements-bench.lock" && $(COMPILE) -c requirements.lock --extra bench \
		-o requirements-bench.lock pyproject.toml

clean: ## Remove the environment, caches and builds
	rm -rf $(VENV) .venv-lock build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements-dev.lock pyproject.toml
	@python=$$(PYTHON="$(PYTHON)" sh .ci/find-python) && \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo "Setting up $(VENV) with $$($$python -V)" && \
		$$python -m venv --clear $(VENV); \
	fi
	@echo "Installing lago and what it needs"
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED) requirements-bench.lock
	@$(PIP_INSTALL) --require-hashes -r requirements-bench.lock || \
		echo "DuckDB could not be installed; the comparison with it will be left out"
	@touch $@
