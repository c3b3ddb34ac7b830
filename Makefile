# The two commands of PerturbKG: `make demo` and `make test`. Each sets up .venv when it is missing.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
CORES ?= all
# Warnings of pip about the machine's own indexes are not the project's.
PIP := $(BIN)/python -m pip --disable-pip-version-check
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo local check test clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 10

setup: $(READY) ## make .venv with the exact versions of constraints.txt

# torch comes first and pinned: asked for by another package it brings gigabytes of CUDA libraries.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt torch
	$(PIP) install --quiet --constraint constraints.txt --editable '.[develop,slurm]'
	touch $@

demo: $(READY) ## run the whole benchmark on the simulated world and say where the report is
	$(BIN)/snakemake --cores $(CORES)
	@echo "The report: $(CURDIR)/results/demo/report.html"

local: $(READY) ## the same on files on disk: make local FILES_ROOT=path (default ../shared/data)
	$(BIN)/snakemake --cores $(CORES) --configfile config/local.yaml --config files_root=$(or $(FILES_ROOT),../shared/data)
	@echo "The report: $(CURDIR)/results/local/report.html"

check: $(READY) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

test: check ## check, then unit, contract, workflow and browser tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

clean: ## remove what runs have computed; resources/ and .venv stay
	rm -rf results/*/ logs
