# The two commands are `make start` and `make test`; `make help` lists the rest.
UV := $(shell sh tools/uv.sh --path)
RUN := "$(UV)" run --no-sync --all-packages
TESTS := $(RUN) pytest -n auto --reruns 1 -r fER
SHELL := /bin/sh
# Processes start from compiled code, also where the environment forbids to keep it: three times sooner.
export PYTHONDONTWRITEBYTECODE :=
.PHONY: help start test test-all lint bench sync ui clean

help: ; @grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

start: sync ui ## bring everything up, with a demo
	@exec .venv/bin/headrace up --demo

test: sync ui ## the suite
	@$(TESTS)

test-all: sync ui ## the suite with the slow proofs
	@$(TESTS) -m "not bench"

lint: sync ## format, types, import order
	@$(RUN) prek run --all-files

bench: sync ## speed, as ratios in one run
	@$(RUN) python -m tests.bench

sync: ## the environment only
	@sh tools/uv.sh sync --all-packages --quiet

ui: sync
	@$(RUN) python tools/build_ui.py

clean: ## remove what was built (data in .headrace stays)
	@rm -rf .venv .tools web/ui/node_modules web/src/headrace_web/static/dist
