# Two commands to begin with: `make shell` and `make test`. Each prepares what it needs by itself.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help shell demo test test-services simulate torture check format lint layers types docs package bench clean

BIN := .venv/bin
DATA ?= ./pegasus-data
WORKERS ?= 2
SEEDS ?= 1..200
MINUTES ?= 5
METAS ?= 3

help:  ## Show what there is to run
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

shell:  ## Open the SQL shell on an embedded node with the demo data (or run the piped statements)
	@tools/environment all
	@$(BIN)/pegasus-tab demo --load-only --quiet file:$(DATA)
	@$(BIN)/pegasus-tab shell file:$(DATA)

demo:  ## Load the flights data and walk through the access paths
	@tools/environment all
	@$(BIN)/pegasus-tab demo file:$(DATA)

test:  ## Run every test that needs no outside service
	@tools/environment dev
	@tools/pypegasus3-environment
	@$(BIN)/pytest -n $(WORKERS) -m "not services" $(ARGS)

test-services:  ## Run the tests that need ZooKeeper, HDFS, Spark or Ray, and all faults of real servers; installs what they need
	@tools/environment dev
	@tools/environment ray
	@tools/services-environment
	@tools/spark-environment
	@tools/pypegasus3-environment
	@$(BIN)/pytest -n $(WORKERS) -m services $(ARGS)

simulate:  ## Run whole clusters in the simulator, one for each seed (SEEDS=1..200 MINUTES=5)
	@tools/environment dev
	@$(BIN)/python -m pegasus_server.simulator --seeds $(SEEDS) --minutes $(MINUTES) \
		--workers $(WORKERS) --bundles build/simulator

torture:  ## Kill and stop the servers of a cluster under load (MINUTES=10 METAS=3 SEED=)
	@tools/environment dev
	@tools/services-environment
	@$(BIN)/python -m tests.faults.torture --minutes $(MINUTES) --metas $(METAS) \
		$(if $(SEED),--seed $(SEED))

check: format lint layers types docs package  ## Format, lint, import layers, strict types, docs, package

format:
	@tools/environment dev
	@$(BIN)/ruff format --check .

lint:
	@tools/environment dev
	@$(BIN)/ruff check .

layers:
	@tools/environment dev
	@$(BIN)/lint-imports

types:
	@tools/environment dev
	@$(BIN)/mypy
	@$(BIN)/mypy tests benchmarks

docs:  ## Build the documentation, warnings are errors
	@tools/environment dev
	@$(BIN)/sphinx-build -q -W -n -b html docs docs/_build

package:  ## Build the wheel and try it in a clean environment
	@tools/environment dev
	@tools/try-wheel

bench:  ## Print the benchmark table
	@tools/environment dev
	@$(BIN)/python -m benchmarks $(ARGS)

clean:  ## Remove what the other targets made, except data
	@rm -rf .venv build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
