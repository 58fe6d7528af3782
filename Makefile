# Everything lives in .venv, from the versions pinned in constraints.txt. It is set up by the first target that needs
# it and again only when pyproject.toml or constraints.txt change.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
SHOP ?= shop
BIN = .venv/bin
PIP = $(BIN)/pip --disable-pip-version-check install --constraint constraints.txt

.PHONY: demo test test-models test-browser lint bench clean

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

clean:  ## remove the environment and the demo shop
	rm -rf .venv $(SHOP)

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
