# Two commands: `make run` and `make test`. Everything else is for those who change the code.
PY ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
RUN_ARGS ?=

.PHONY: run test test-slow check lint types imports spelling ui bench lock clean help
.DEFAULT_GOAL := help

help:  ## show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null \
	  || { echo "error: $(PY) is not Python 3.11 or newer; install it or name one: make PY=/path/to/python3.11"; exit 2; }
	@echo "setting up $(VENV) from requirements.lock (about a minute, once)"
	@test -x $(BIN)/python || $(PY) -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; \
	  then uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock; \
	  else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock; fi
	@if command -v uv >/dev/null 2>&1; \
	  then uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	  else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; fi
	@touch $@

run: $(STAMP)  ## run the whole loop on synthetic telemetry; prints a summary and the report's path
	@$(BIN)/scoville run $(RUN_ARGS)

test: $(STAMP)  ## run the tests (under six minutes)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow"

test-slow: $(STAMP)  ## run the truth checks on real traces and at full size
	@$(BIN)/python -m pytest -q -m slow

check: lint types imports spelling test  ## everything that must be green before a commit lands

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports

spelling: $(STAMP)
	@$(BIN)/codespell

ui: $(STAMP)  ## Dagster UI on loopback
	@$(BIN)/scoville ui

bench: $(STAMP)  ## the benchmarks (minutes)
	@$(BIN)/scoville bench all

lock:  ## pin the dependencies again (needs uv)
	uv pip compile --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --generate-hashes --no-strip-extras --extra dev pyproject.toml -o requirements.lock
	uv pip compile --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --generate-hashes --no-strip-extras --constraint requirements.lock --extra search pyproject.toml -o requirements-search.lock

clean:  ## forget the virtual environment and the local state
	rm -rf $(VENV) .scoville .mypy_cache .ruff_cache .pytest_cache
