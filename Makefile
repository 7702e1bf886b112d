# Needs only Python 3.11 or newer (with venv), git and make. Everything is installed into $(VENV).

# The first of these that is new enough; name another with PYTHON=...
NAMES := python3 python3.14 python3.13 python3.12 python3.11 python
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in $(NAMES); do $$name -c '$(ENOUGH)' 2>/dev/null && echo $$name && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench faults docs clean

help: ## show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

demo: $(VENV)/.installed ## play the whole story on a small broken project
	@$(BIN)/sophia demo

test: $(VENV)/.installed-test ## run the test suite, linters, types and import contracts
	@failed=""; \
	run() { echo "== $$*"; "$$@" || failed="$$failed\n  $$*"; }; \
	run $(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow"; \
	run $(BIN)/ruff check .; \
	run $(BIN)/ruff format --check .; \
	run $(BIN)/mypy; \
	run $(BIN)/lint-imports --no-logo; \
	if [ -n "$$failed" ]; then printf "failed:$$failed\n"; exit 1; fi; \
	echo "all passed"

lint: $(VENV)/.installed-test ## mend what the linters can mend, then report the rest
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-test ## measure what the documentation claims
	@set -e; for script in benchmarks/startup.py $$(ls benchmarks/scan_*.py 2>/dev/null); do \
	  echo "== $$script"; $(BIN)/python "$$script"; done

faults: $(VENV)/.installed-test ## the long fault and soak runs
	@SOPHIA_FAULT_ROUNDS=$${SOPHIA_FAULT_ROUNDS:-20} $(BIN)/python -m pytest -n auto -m slow

docs: $(VENV)/.installed-test ## write the generated pages of docs/
	@$(BIN)/python -m docs.generate

clean: ## remove the environment and the caches of the tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(ENOUGH)' \
	  || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3"; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The stamps live in the environment, so that removing it removes them too.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "installing sophia"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo "installing sophia and its test tools"
	@$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/.installed
