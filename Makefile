# The two commands of PerturbKG: `make demo` and `make test`. Each sets up .venv when it is missing.

# The newest supported Python that is installed and can make environments (Debian: python3-venv).
PYTHON ?= $(shell for minor in 13 12 11; do python3.$$minor -c 'import ensurepip, venv' 2>/dev/null \
	&& { echo python3.$$minor; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
CORES ?= all
# Warnings of pip about the machine's own indexes are not the project's.
PIP := $(BIN)/python -m pip --disable-pip-version-check
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo local calibrate docs check test test-python clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(READY) ## make .venv with the exact versions of constraints.txt

# torch comes first and pinned: asked for by another package it brings gigabytes of CUDA libraries.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 with venv here: install one, or set PYTHON." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt torch
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all]'
	$(BIN)/python -m perturbkg.attention
	touch $@

demo: $(READY) ## run the whole benchmark on the simulated world
	$(BIN)/snakemake --cores $(CORES)
	@echo "The report: $(CURDIR)/results/demo/report.html"

local: $(READY) ## the same with your files: make local FILES_ROOT=path (default ../shared/data)
	$(BIN)/snakemake --cores $(CORES) --configfile config/local.yaml --config files_root=$(or $(FILES_ROOT),../shared/data)
	@echo "The report: $(CURDIR)/results/local/report.html"

calibrate: $(READY) ## count in 40 simulated worlds how often the report finds what was planted; can be continued
	$(BIN)/python benchmarks/calibrate.py

docs: $(READY) ## write the tables of docs/ that repeat code
	$(BIN)/python docs/generate.py

check: $(READY) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

test: check ## check, then unit, contract, workflow and browser tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# The core is installed alone first. EXTRAS=test then runs the tests of the core, EXTRAS=all every one (with torch).
EXTRAS ?= test,prepare
OTHER := .venv-python
test-python: ## tests on another Python without torch: make test-python PYTHON=python3.13 [EXTRAS=test|all]
	rm -rf $(OTHER)
	$(PYTHON) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install --quiet --constraint constraints.txt --editable .
	$(OTHER)/bin/perturbkg plugins metrics
	$(OTHER)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	$(OTHER)/bin/python -m pip check
	$(OTHER)/bin/python -m pytest -n $(JOBS) --dist loadfile --allow-missing-extras tests/unit tests/contracts

clean: ## remove what runs have computed; resources/ and .venv stay
	rm -rf results/*/ logs
