# The commands that a person and CI share. `make demo` and `make test` set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# torch is pinned here, and only here, to a build that pip finds without a CUDA toolkit.
TORCH := torch==2.13.0

.PHONY: setup demo inputs browser test check format bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml src/unembed/version.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/unembed demo

# Real models and vocabularies for the tests that read them; what cannot be had is skipped.
inputs: setup
	$(BIN)/python scripts/fetch_inputs.py

# Figures are drawn into files by a browser; tests of that are skipped where none can be had.
browser:
	@command -v chromium > /dev/null \
	|| { apt-get update -qq && apt-get install -qq --yes chromium fonts-liberation; } > /dev/null \
	|| echo "No Chromium could be installed: figures are not drawn into files in the tests."

test: inputs browser
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: inputs
	$(BIN)/python benchmarks/stats.py
	$(BIN)/python benchmarks/sets.py
	$(BIN)/python benchmarks/enrichment.py direction
	$(BIN)/python benchmarks/enrichment.py job
	$(BIN)/python benchmarks/enrichment.py million
	$(BIN)/python benchmarks/calibration.py tails
	$(BIN)/python benchmarks/explanations.py
	$(BIN)/python benchmarks/find.py

clean:
	rm -rf $(VENV) dist build
