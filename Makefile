# The commands that a person and CI share. `make demo` and `make test` set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ORACLE := .venv-oracle
LOWEST := .venv-lowest
STAMP := $(VENV)/.installed

# torch is pinned here, and only here, to a build that pip finds without a CUDA toolkit.
TORCH := torch==2.13.0

# What our reading of published dictionaries and models is held against, by `make oracle`.
SAELENS := sae-lens==6.54.12

# Two processes of tests, each with the threads of one: more would wait for one another.
THREADS := OMP_NUM_THREADS=1

PAGE := src/unembed/explorer/page/index.html
WEB := web/package-lock.json web/vite.config.ts web/index.html $(shell find web/src -type f)

# How much `make fuzz` and `make kill` try.
CASES := 1000000
KILLS := 1000

.PHONY: setup page demo inputs browser test quick oracle lowest audit fuzz kill slurm check format bench gpu clean

setup: $(STAMP)

# The explorer's page. It needs Node.js; without, all but the explorer works.
page: $(PAGE)

$(PAGE): $(WEB) web/node_modules/.package-lock.json
	cd web && npm run --silent build
	touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	@command -v npm > /dev/null || { echo "The explorer needs npm: install Node.js 20."; exit 1; }
	cd web && npm ci --silent --no-audit --no-fund
	touch $@

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

test: inputs browser page
	cd web && npm test --silent
	$(THREADS) $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# What a change is held against while it is made: no network, no browser, no npm, not the demo, no
# other program's models.
quick: setup
	$(THREADS) $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --ignore tests/oracle \
		-m 'not (slow or demo or browser or inputs)'

# The same files read by SAELens' own loaders, and models by transformers'. SAELens comes with more
# than a gigabyte of packages, so that it has an environment of its own, and `make test` skips the
# tests that need it.
oracle: $(ORACLE)/.installed
	$(THREADS) $(ORACLE)/bin/python -m pytest tests/oracle

$(ORACLE)/.installed: pyproject.toml src/unembed/version.py
	$(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/pip install --quiet $(TORCH)
	$(ORACLE)/bin/pip install --quiet --editable '.[dev]' $(SAELENS) $(TORCH)
	touch $@

# The quick tests on the lowest versions that pyproject.toml declares; torch stays as it is pinned.
# Whatever those versions warn of is theirs, and the oldest jaxtyping cannot check what conftest.py
# has imported. The scripts are run by us alone, with what is newest, and so is what prints the page of
# the command line.
lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python scripts/lowest_versions.py --check
	$(THREADS) $(LOWEST)/bin/python -m pytest --numprocesses 2 --dist worksteal \
		--override-ini 'addopts=-q --strict-markers --doctest-modules' \
		--override-ini filterwarnings=default --ignore tests/oracle --ignore tests/scripts \
		--deselect tests/test_docs.py::test_the_page_of_the_command_line_is_what_the_commands_give \
		-m 'not (slow or demo or browser or inputs)'

$(LOWEST)/.installed: pyproject.toml src/unembed/version.py scripts/lowest_versions.py
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/pip install --quiet tomli
	$(LOWEST)/bin/python scripts/lowest_versions.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/pip install --quiet $(TORCH)
	$(LOWEST)/bin/pip install --quiet --editable '.[test,explore,gguf,nltk,plots,sentencepiece]' \
		--constraint $(LOWEST)/lowest.txt
	touch $@

# Every token set against its statement on all real vocabularies that are here, not on two alone.
audit: inputs
	AUDIT=1 $(THREADS) $(BIN)/python -m pytest --numprocesses 2 tests/tokensets/audit

# Every reader against input that is nearly right; what is stopped goes on from `.fuzz`. The table is
# quoted in docs/robustness.md by `python -m scripts.document_robustness`.
fuzz: setup
	$(BIN)/python -m scripts.fuzz --cases $(CASES) --keep --state .fuzz --out docs/data/fuzz.md

# Runs that are ended at any moment, and go on; likewise.
kill: setup
	$(BIN)/python -m scripts.kill --kills $(KILLS) --out docs/data/kill.md

# The recipe of docs/machines.md on Debian's SLURM, which is installed and started here; as root.
slurm: setup
	$(BIN)/python -m scripts.try_slurm

check: setup web/node_modules/.package-lock.json
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pip check
	$(BIN)/python -m scripts.advisories
	cd web && npm run --silent check

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd web && npm run --silent format

bench: inputs browser page
	$(BIN)/python benchmarks/stats.py
	$(BIN)/python benchmarks/sets.py
	$(BIN)/python benchmarks/enrichment.py direction
	$(BIN)/python benchmarks/enrichment.py job
	$(BIN)/python benchmarks/enrichment.py million
	$(BIN)/python benchmarks/calibration.py tails
	$(BIN)/python benchmarks/explanations.py
	$(BIN)/python benchmarks/planted_sets.py
	$(BIN)/python benchmarks/find.py
	$(BIN)/python benchmarks/commands.py
	$(BIN)/python benchmarks/explorer.py
	$(BIN)/python benchmarks/registry.py
	$(BIN)/python benchmarks/by_name.py
	$(BIN)/python benchmarks/precision.py
	$(BIN)/python benchmarks/products.py
	$(BIN)/python benchmarks/width.py
	$(BIN)/python benchmarks/banks.py

# On a machine with a GPU, and a torch for it in the environment: less than 8 minutes.
gpu: setup
	$(BIN)/python benchmarks/gpu.py --out benchmarks/gpu.md

clean:
	rm -rf $(VENV) $(ORACLE) $(LOWEST) .fuzz dist build web/node_modules src/unembed/explorer/page
