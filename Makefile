# Everything lives in .venv, from the versions pinned in constraints.txt. It is set up by the first target that needs
# it and again only when pyproject.toml or constraints.txt change.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
SHOP ?= shop
REPORT ?= report
DATASETS ?= ../shared/data
BIN = .venv/bin
# Public data sets are measured on where they are; nothing needs them.
EVAL = $(BIN)/shopwright eval --shop $(SHOP) --report $(REPORT) $(if $(wildcard $(DATASETS)),--public $(DATASETS))
PIP = $(BIN)/pip --disable-pip-version-check install --constraint constraints.txt

.PHONY: demo test test-models test-browser lint bench eval eval-small clean

demo: .venv/installed  ## make the demo shop where there is none, and serve it on http://127.0.0.1:7860
	$(BIN)/shopwright demo --serve --shop $(SHOP)

test: .venv/installed-dev  ## everything that needs neither weights nor a browser
	$(BIN)/pytest

test-models: .venv/installed-dev  ## what needs the real weights
	$(BIN)/pytest -m models

test-browser: .venv/installed-dev  ## the chat page in Chromium (/usr/bin/chromium)
	$(BIN)/pytest -m browser

lint: .venv/installed-dev  ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-dev  ## the README's figures, each beside its yardstick
	$(BIN)/python -m eval.bench

eval: .venv/installed  ## what the assistant is worth, on the demo shop: a report in report/
	$(BIN)/shopwright demo --shop $(SHOP)
	$(EVAL)

eval-small: .venv/installed  ## a sample of it, in a few minutes
	$(BIN)/shopwright demo --shop $(SHOP)
	$(EVAL) --small

clean:  ## remove the environment, the demo shop and the report
	rm -rf .venv $(SHOP) $(REPORT)

.venv/installed: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "shopwright needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' \
	  || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3.11-venv"; exit 1; }
	@echo "setting up .venv: about 2.6 GB, a few minutes"
	"$(PYTHON)" -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable '.[dev]'
	@touch $@
