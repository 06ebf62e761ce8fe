# `make run` and `make test` need make and Python 3.11 or newer, and install the rest into .venv.

# From the command line only: some tools export a HOST that means something else.
HOST := 127.0.0.1
PORT ?= 8000
DATA ?= .groundwork
ARGS ?=
PYTHON := .venv/bin/python

.PHONY: run test screenshots lint lock install install-dev

run: install
	@GROUNDWORK_DATA='$(DATA)' GROUNDWORK_PORT='$(PORT)' GROUNDWORK_HOST='$(HOST)' \
		exec $(PYTHON) -m config.launcher

# ARGS go to pytest: make test ARGS='-k citations'
test: install-dev
	@$(PYTHON) -m pytest $(ARGS)

# Of every page, into screenshots/ and docs/images/.
screenshots: install-dev
	@$(PYTHON) -m tests.screenshots

lint: install-dev
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@GROUNDWORK_DEBUG=1 $(PYTHON) -m mypy .
	@GROUNDWORK_DEBUG=1 .venv/bin/lint-imports --no-logo

# Writes the two lock files from the ranges in pyproject.toml; run it on Python 3.11.
lock: install-dev
	@$(PYTHON) config/lock.py

install:
	@sh config/install.sh runtime

install-dev:
	@sh config/install.sh dev
