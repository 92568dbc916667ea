# `make` lists the commands.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
PROJECT ?= build/my-agent
UV ?= $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
RUN := $(UV) run --no-sync
export UV_PYTHON_PREFERENCE ?= only-system

.PHONY: help run check lint types combinations test-fast test test-full every-combination sabotage pictures bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(PROJECT) ## generate a project, start it and ask it something (PROJECT=build/my-agent PORT=8000)
	@$(MAKE) --no-print-directory -C $(PROJECT) run PORT=$(PORT) Q="How many open tickets are past their deadline?"

$(PROJECT): | .venv/.ready
	@$(RUN) copier copy --quiet --defaults --vcs-ref HEAD "$(CURDIR)" "$(PROJECT)"

check: lint types combinations test-fast ## lint, types, every combination and the fast tests

lint: .venv/.ready
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	cd template && $(abspath $(UV)) run --no-sync --project .. ruff check .
	cd template && $(abspath $(UV)) run --no-sync --project .. ruff format --check .
	$(RUN) zizmor --offline --quiet --persona auditor .github

types: .venv/.ready
	$(RUN) mypy

combinations: .venv/.ready
	@$(RUN) python -m tests.every_combination --brief

test-fast: .venv/.ready
	$(RUN) pytest -q -n 2 -m "not slow"

test: check ## what a change must pass: the checks, and each shipped choice generated and tested
	$(RUN) pytest -v -n 2 --dist loadscope -m slow -k "not full"

test-full: check ## everything
	KILLS=20 $(RUN) pytest -v -n 2 --dist loadscope -m slow --ignore tests/test_sabotage.py
	$(RUN) pytest -v -n 2 -m slow tests/test_sabotage.py

every-combination: .venv/.ready ## render and check every combination of answers, and report what was covered
	@$(RUN) python -m tests.every_combination

sabotage: .venv/.ready ## break each control once and show the test that turns red (ONLY=runs/)
	@$(RUN) python -m tests.sabotage "$(ONLY)"

pictures: .venv/.ready ## draw the dashboards in the docs anew, from a real run of ten minutes (with Prometheus)
	@$(RUN) python -m tests.panels $(ANSWERS)

bench: .venv/.ready ## measure: the figures, and as JSON in build/bench.json
	$(RUN) python bench/run.py

clean: ## remove what make created
	rm -rf .venv .tools build .mypy_cache .ruff_cache .pytest_cache

.venv/.ready: pyproject.toml uv.lock | $(filter-out /%,$(UV))
	@echo "Installing the tools ..."
	@$(UV) sync --quiet --locked --python $(PYTHON)
	@touch $@

.tools/bin/uv:
	@$(PYTHON) template/tools/install_uv.py .tools
