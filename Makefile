# Everything a fresh Debian or Ubuntu machine with git, make and Python >= 3.11 needs.
# `make` alone says what there is; PYTHON=python3.12 picks another interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Three for two processors: the tests of servers and disks wait a lot.
WORKERS ?= 3
SERVER_PACKAGES := dovecot-imapd dovecot-pop3d dovecot-submissiond openssl strace unzip util-linux

.PHONY: help demo test lint bench torture servers clean

help:
	@echo "make demo     sync, verify and export a sample mailbox; needs no account"
	@echo "make test     format, lint, types, layers and all tests, with real mail servers"
	@echo "make lint     format, lint, types and layers only"
	@echo "make bench    measure speed, memory and size against mbsync and the bare wire"
	@echo "make torture  thousands of kills, cuts and full disks; an hour on two processors"
	@echo "make clean    remove everything that make made"

demo: $(VENV)/.runtime
	$(BIN)/mailvault demo

test: lint servers
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not torture" $(PYTEST)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	@.ci/packages $(SERVER_PACKAGES) isync || true
	$(BIN)/python -m bench $(BENCH)

torture: $(VENV)/.dev servers
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m torture $(PYTEST)

# The server tests say what they miss; with CI=true they fail for it.
servers:
	@.ci/packages $(SERVER_PACKAGES) || true
	@command -v npm > /dev/null || .ci/packages nodejs npm || true

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "$(PYTHON) is too old: mailvault needs Python 3.11. Try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null \
	    || .ci/packages "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
