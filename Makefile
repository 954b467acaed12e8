# Needs Python 3.11 or newer and nothing else of ours: uv is used where it is installed and fetched into .bootstrap where not.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.bootstrap/bin/uv)
# Many a container forbids Python to keep what it compiled: then every command here compiled its tools anew.
KEEP := $(if $(PYTHONDONTWRITEBYTECODE),PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/.pytest_cache/bytecode )
RUN := $(KEEP)$(UV) run
# What only runs Rapport asks for a sixth of what developing it does, and leaves what is there.
USE := $(UV) run --frozen --no-dev
WORKERS ?= 2
# A file's tests share servers and databases, so one process runs all of them.
PYTEST = $(RUN) --frozen pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
ARGS ?=

.PHONY: help install demo serve keys test spark check lint format bench docs texts wheel clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(UV) ## the command `rapport` in .venv: then `source .venv/bin/activate`
	$(UV) sync --frozen --no-dev --inexact

demo: $(UV) ## a simulated shop's customers in the console, in about a minute
	$(USE) --extra demo --extra identity --extra prediction --extra recommendations rapport demo $(ARGS)

serve: $(UV) ## run Rapport on ./data at http://127.0.0.1:8321 (ARGS='--data DIR --port N')
	$(USE) rapport serve $(ARGS)

# The folders with something in them, where the reader names none.
FILLED = $(patsubst %/,%,$(dir $(wildcard data/rapport.db demo-data/demo.json)))
FOLDERS = $(if $(ARGS)$(RAPPORT_DATA_DIR)$(RAPPORT_DATABASE_URL),,$(FILLED))

keys: $(UV) ## write key, API key and how to sign in, of ./data and of the demo (ARGS='--data DIR')
	@$(if $(FOLDERS),$(foreach folder,$(FOLDERS),echo '$(folder):' && $(USE) rapport keys --data $(folder) &&) true,$(USE) rapport keys $(ARGS))

test: $(UV) ## every test (ARGS='-k cart' for some)
	$(UV) sync --frozen
	$(PYTEST) $(ARGS)

spark: $(UV) ## what runs on Spark (needs Java 17 or 21; fetches 430 MB)
	RAPPORT_TEST_SPARK=1 $(RUN) --frozen --group spark pytest tests/rooms/resolve/linking -m spark $(ARGS)

check: lint ## ruff, format, mypy, import contracts, and the quick tests, on SQLite
	$(PYTEST) -m 'not (slow or browser or sdk or data or postgres)' $(ARGS)

lint: $(UV) ## ruff, format, mypy and import contracts only
	$(UV) lock --check --quiet
	$(RUN) --frozen ruff check
	$(RUN) --frozen ruff format --check
	$(RUN) --frozen mypy
	$(RUN) --frozen lint-imports --no-logo

format: $(UV) ## mend what ruff can mend
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: $(UV) ## measure collecting on each engine, with the machine's own limit beside it (ARGS=--quick)
	$(RUN) python -m benchmarks.collect $(ARGS)

docs: $(UV) ## write docs/reference anew from the code
	$(RUN) python docs/generate.py

texts: $(UV) ## write the console's catalogues anew: new texts come empty (ARGS=FOLDER for another package's)
	$(RUN) python -m rapport.web.extraction $(ARGS)

wheel: $(UV) ## build the wheel into dist/
	$(UV) build

clean: ## remove what was built (never data)
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/rapport/web/static/vendor

.bootstrap/bin/uv:
	$(PYTHON) -m venv .bootstrap
	.bootstrap/bin/python -m pip install --quiet uv
