# Everything runs in .venv, made on first use. `make help` lists the targets.
SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
# Set BASE_PYTHON to choose the interpreter: make install BASE_PYTHON=python3.12
BASE_PYTHON ?= python3
# Processes that share the tests. Most of their time is compilation: two cores, two workers.
WORKERS ?= 2
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow lint format bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED_DEV) ## Make .venv and install the package with its development tools

demo: $(INSTALLED) ## Install without development tools and run `theta0 demo`
	$(VENV)/bin/theta0 demo

test: $(INSTALLED_DEV) ## Run the tests but those marked slow
	$(PYTHON) -m pytest -m "not slow" -n $(WORKERS) --dist worksteal

test-slow: $(INSTALLED_DEV) ## Run the tests marked slow
	$(PYTHON) -m pytest -m slow -n $(WORKERS) --dist loadfile

lint: $(INSTALLED_DEV) ## Check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright

format: $(INSTALLED_DEV) ## Rewrite the sources in the house style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(INSTALLED_DEV) ## Measure speed and memory into build/bench.json
	$(PYTHON) -m benchmarks

clean: ## Remove what can be made again; keeps .venv and runs
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# A stamp is older than pyproject.toml when dependencies may have changed: install again, once.
# The interpreter is an order-only prerequisite, for it is a link to one of any age.
$(INSTALLED): pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --disable-pip-version-check -q -e .
	@touch $@

$(INSTALLED_DEV): pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --disable-pip-version-check -q -e ".[dicom,volumes,heic,render,colmap,video,dev]"
	@touch $(INSTALLED) $@

$(PYTHON):
	@for python in $(BASE_PYTHON) python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$python"; \
	    "$$python" -m venv --clear $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	  fi; \
	done; \
	echo "theta0 needs Python 3.11 or later with its venv module (Debian: python3-venv)," >&2; \
	echo "and found none as $(BASE_PYTHON), python3.13, python3.12 or python3.11." >&2; \
	echo "Name one: make install BASE_PYTHON=/path/to/python" >&2; \
	exit 1
